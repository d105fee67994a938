namespace HealthCode.Storage.Tests;

public class PlanCodecTests
{
    private static readonly Minute Noon = Minute.Of(new DateTimeOffset(2020, 2, 17, 4, 0, 0, TimeSpan.Zero));

    private static readonly PlanFact[] Samples =
    [
        new EditionApproved
        {
            Edition = "a-2020-02", By = "wang", At = Noon, Reason = "新版方案", Text = "id: a-2020-02\n", Cases = "# one\n", InForceFrom = new(Noon.Value + 60), Author = "li",
        },
        new EditionApproved
        {
            Edition = "b-2020-02", By = "wang", At = Noon, Reason = "r", Text = "id: b\nbase: a\n", Base = "id: a\n", Cases = "", InForceFrom = Noon, Author = "li",
        },
        new EditionWithdrawn { Edition = "a-2020-02", By = "li", At = Noon, Reason = "a mistake" },
    ];

    /// <summary>What lies in journals since the first version. These bytes are read as the same facts for ever.</summary>
    [Fact]
    public void The_journals_bytes_are_these() => Assert.Equal(
        [
            "820181a901010269612d323032302d3032036477616e67041a00010950056ce696b0e78988e696b9e6a1880a6e69643a20612d323032302d30320a0c6623206f6e650a0d1a0001098c0e626c69",
            "820181aa01010269622d323032302d3032036477616e67041a000109500561720a6e69643a20620a626173653a20610a0b6669643a20610a0c600d1a000109500e626c69",
            "820181a501020269612d323032302d303203626c69041a00010950056961206d697374616b65",
        ],
        Samples.Select(sample => Convert.ToHexStringLower(PlanCodec.Encode(sample))));

    [Fact]
    public void All_kinds_come_back_as_they_were() =>
        Assert.Equal(Samples, Samples.Select(sample => PlanCodec.Decode(PlanCodec.Encode(sample)).Single()));

    [Theory]
    [InlineData("")]
    [InlineData("00")]
    [InlineData("820281a0")]
    [InlineData("820181a0")]
    public void What_is_no_batch_is_damaged_and_says_where(string hex)
    {
        var refused = Assert.Throws<JournalDamagedException>(() => PlanCodec.Decode(new JournalBatch("plans", 7, Segment.Permanent, Convert.FromHexString(hex))));
        Assert.Contains("7", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_that_were_cut_or_changed_are_a_fact_or_damaged_and_nothing_else()
    {
        var whole = PlanCodec.Encode(Samples[1]);
        for (var at = 0; at < whole.Length; at++)
        {
            Assert.Throws<JournalDamagedException>(() => PlanCodec.Decode(whole.AsMemory(0, at)));
            for (var value = 0; value < 256; value++)
            {
                byte[] changed = [.. whole];
                changed[at] = (byte)value;
                try
                {
                    PlanCodec.Decode(changed);
                }
                catch (JournalDamagedException)
                {
                }
            }
        }
    }
}
