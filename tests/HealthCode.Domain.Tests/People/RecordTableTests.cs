namespace HealthCode.Domain.Tests;

public class RecordTableTests
{
    private static readonly PersonId Person = new(0x0102030405060708, 0x1112131415161718);
    private static readonly byte[] Key = [.. Enumerable.Range(0xa0, RecordTable.KeySize).Select(value => (byte)value)];

    /// <summary>
    /// Version 1: one part, and in it a person with a key and six facts (a normal report, a home and the answer that
    /// confirms it, a contact and the correction that withdrew it, a negative test), and one of whom a key is all there is.
    /// </summary>
    private const string SampleVersion1 = """
        48435254 01000000 00000000 01000000 02000000  # HCRT, version 1, part 0 of 1, two people
        01020304050607081112131415161718  # person
        a0a1a2a3a4a5a6a7a8a9aaabacadaeaf  # key
        0a000000 36000000  # 10 words of facts, 54 of history
        02000100 45002000 0100000000000000  # 1 entry of kind 2; day 69, one negative test; the last day was normal
        a3860100  # the negative test
        50c30000 ffffff7f 6ad6d9db4c000000 02016401  # entry: a stay, answered
        06000000 08000000 02000000 01000000 15000000  # 6 facts, room for 8, 2 targets, 1 entry aside, 21 bytes kept
        0200000000000000 0100000000000000 0300000000000000 0400000000000000  # ids
        0500000000000000 0600000000000000 0000000000000000 0000000000000000
        04000000 03000000 05000000 06000000 08000000 09000000 00000000 00000000  # sequences
        50c30000 a0860100 a1860100 a2860100 a3860100 a4860100 00000000 00000000  # minutes
        82112ec997050000  # marks
        0200000000000000 0400000000000000  # targets
        a2860100 a2860100 0000000000000000 0901640d  # aside: the contact
        0400686f6d65 0700636f6e74616374 040074657374 000000  # kept: home, contact, test
        00000000000000010000000000000002  # the other person
        afaeadacabaaa9a8a7a6a5a4a3a2a1a0
        00000000 00000000  # no facts, no history
        """;

    [Fact]
    public void The_layout_of_a_snapshot_is_pinned()
    {
        var part = Assert.Single(Sample().WriteParts());
        Assert.Equal(HexOf(SampleVersion1), Convert.ToHexStringLower(part.Span));
    }

    [Fact]
    public void A_snapshot_of_version_1_is_read()
    {
        var table = RecordTable.ReadFrom([Convert.FromHexString(HexOf(SampleVersion1))]);
        Assert.Equal((2, 6), (table.Count, table.FactCount));
        var home = Assert.Single(table.Find(Person).Entries.ToArray());
        Assert.Equal((EvidenceKind.Stay, RecordEntry.WasThere, new AreaCode(330106001002)), (home.Kind, home.Detail, home.Area));
        Assert.Equal("home"u8.ToArray(), table.EvidenceOf(Person, 0).Encoded.ToArray());
        Assert.Equal(new ReportDays(new Day(69), 1), table.Find(Person).Reports);
        Assert.True(table.TryGetKey(Person, out var key) && key.SequenceEqual(Key));
        Assert.True(table.Knows(Person, new(5), out var sequence) && sequence == 8);
    }

    [Fact]
    public void Another_version_and_parts_that_are_not_all_there_are_refused()
    {
        var table = Sample();
        var parts = table.WriteParts(partBytesMax: 1);
        Assert.Equal(2, parts.Count);
        Assert.Equal(6, RecordTable.ReadFrom(parts).FactCount);
        foreach (var wrong in new IReadOnlyList<ReadOnlyMemory<byte>>[] { [], [parts[0]], [parts[1]], [parts[1], parts[0]], [parts[0], parts[0]], [.. parts, parts[1]] })
            Assert.Throws<InvalidDataException>(() => RecordTable.ReadFrom(wrong));
        var newer = table.WriteParts()[0].ToArray();
        newer[4]++;
        Assert.Contains("version is 2", Assert.Throws<InvalidDataException>(() => RecordTable.ReadFrom([newer])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_same_person_twice_is_refused()
    {
        var bytes = Sample().WriteParts()[0].ToArray();
        Person.WriteTo(bytes.AsSpan(bytes.Length - 40));
        Assert.Contains("twice", Assert.Throws<InvalidDataException>(() => RecordTable.ReadFrom([bytes])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_table_is_one_part_and_reads_as_one()
    {
        var parts = new RecordTable().WriteParts();
        Assert.Equal(20, Assert.Single(parts).Length);
        var table = RecordTable.ReadFrom(parts);
        Assert.Equal((0, 0), (table.Count, table.FactCount));
        Assert.True(table.Fold(Report(1, 100_000), 1, default));
    }

    [Fact]
    public void A_key_comes_before_any_fact_and_goes_with_the_person()
    {
        var table = new RecordTable();
        Assert.False(table.TryGetKey(Person, out _));
        table.SetKey(Person, Key);
        Assert.True(table.Contains(Person) && table.FactCountOf(Person) == 0);
        Assert.Equal(0, table.Forget(_ => true));
        Assert.True(table.TryGetKey(Person, out _));
        for (var other = 0UL; other < 100; other++)
            table.Fold(Report(1, 100_000) with { Person = new(other, other) }, 1, default);
        table.Fold(Report(1, 100_000), 2, default);
        Assert.True(table.TryGetKey(Person, out var key) && key.SequenceEqual(Key));
        Assert.False(table.TryGetKey(new(5, 5), out _));
        Assert.True(table.Remove(Person));
        Assert.False(table.TryGetKey(Person, out _) || table.Contains(Person) || table.Remove(Person));
        Assert.Throws<ArgumentException>(() => table.SetKey(Person, new byte[RecordTable.KeySize]));
        Assert.Throws<ArgumentOutOfRangeException>(() => table.SetKey(Person, [1, 2]));
    }

    [Fact]
    public void What_cannot_be_kept_is_refused_before_anything_is_changed()
    {
        var table = new RecordTable();
        table.Fold(Report(1, 100_000), 7, default);
        Assert.Throws<ArgumentOutOfRangeException>(() => table.Fold(Report(2, 100_000), -1, default));
        Assert.Throws<ArgumentOutOfRangeException>(() => table.Fold(Report(2, 100_000), 1L + uint.MaxValue, default));
        Assert.Throws<ArgumentOutOfRangeException>(() => table.Fold(Report(2, 100_000), 1, new byte[RecordTable.EncodedMax + 1]));
        Assert.Equal((1, 1), (table.FactCount, table.FactCountOf(Person)));
        Assert.False(table.Knows(Person, new(2), out _));
        Assert.True(table.Fold(ContactOf(3, 100_000), 1, new byte[RecordTable.EncodedMax]));
        Assert.Equal(RecordTable.EncodedMax, table.EvidenceOf(Person, 0).Encoded.Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => table.EvidenceOf(Person, 1).Id);
        Assert.Throws<ArgumentOutOfRangeException>(() => table.EvidenceOf(new(9, 9), 0).Id);
    }

    [Fact]
    public void Who_was_added_without_a_history_is_decided_and_not_folded_into()
    {
        var table = new RecordTable();
        RecordEntry[] entries = [.. Enumerable.Range(0, 70_000).Select(start => new RecordEntry(new(start), new(start), 0, EvidenceKind.Contact))];
        Minute[] tests = [.. Enumerable.Range(0, 80_000).Select(at => new Minute(at))];
        table.Add(Person, new RecordFacts(entries, tests, new ReportDays(Day.Of(new Minute(int.MaxValue - 1)), 3)));
        table.Add(new(1, 1), new RecordFacts(entries.AsSpan(0, 2), tests.AsSpan(0, 2_047), default));
        Assert.True(table.Find(Person).Entries.SequenceEqual(entries) && table[0].NegativeTests.SequenceEqual(tests));
        Assert.Equal((1_491_308, 3UL), (table[0].Reports.Last.Value, table[0].Reports.Normal));
        Assert.Equal((2, 2_047), (table[1].Entries.Length, table[1].NegativeTests.Length));
        Assert.Throws<InvalidOperationException>(() => table.Fold(Report(1, 100_000), 1, default));
        Assert.Throws<InvalidOperationException>(() => table.WriteParts());
    }

    // A scanner that sends a visit a minute, a laboratory that repeats itself: more than any column's short count, any slab.
    [Fact]
    public void Somebody_of_whom_there_is_more_than_a_slab_holds_is_kept_beside_others()
    {
        var (table, other) = (new RecordTable(), new PersonId(2, 2));
        for (var round = 0; round < 20_000; round++)
        {
            Assert.True(table.Fold(Visit((ulong)round + 1, 100_000 + round), round, default));
            if (round % 8 == 0)
                Assert.True(table.Fold(TestOf((ulong)round + 100_000, 100_000 + round), round, "test"u8));
            if (round % 200 == 0)
                Assert.True(table.Fold(ContactOf((ulong)round + 1, 100_000 + round) with { Person = other }, round, "contact"u8));
        }
        Assert.Equal((22_600, 22_500, 2_500), (table.FactCount, table.FactCountOf(Person), table.Find(Person).NegativeTests.Length));
        var read = RecordTable.ReadFrom(table.WriteParts());
        Assert.Equal((22_600, 22_500, 2_500), (read.FactCount, read.FactCountOf(Person), read.Find(Person).NegativeTests.Length));
        Assert.Equal("test"u8.ToArray(), read.LastTest(Person).Encoded.ToArray());
        Assert.Equal(new EvidenceId(119_992), read.LastTest(Person).Id);
        Assert.True(read.Bytes < 1_200_000, $"{read.Bytes} bytes");

        Assert.True(table.Remove(Person));
        Assert.Equal(100, table.FactCount);
        for (var entry = 0; entry < 100; entry++)
            Assert.Equal("contact"u8.ToArray(), table.EvidenceOf(other, entry).Encoded.ToArray());
    }

    [Fact]
    public void What_was_replaced_and_removed_gives_its_room_back()
    {
        var table = new RecordTable();
        for (var day = 0; day < 40; day++)
        {
            for (var person = 0UL; person < 2_000; person++)
            {
                var who = new PersonId(person * 31, person);
                table.Fold(TestOf((ulong)day + 1, 100_000 + (day * Minute.PerDay)) with { Person = who }, day, new byte[60]);
                table.Fold(Report((ulong)day + 100, 100_000 + (day * Minute.PerDay)) with { Person = who }, day, default);
            }
        }
        var trimmed = RecordTable.ReadFrom(table.WriteParts()).Bytes;
        Assert.True(table.Bytes < trimmed * 2.2, $"{table.Bytes} bytes, and {trimmed} when written anew");
        for (var person = 0UL; person < 2_000; person++)
        {
            var facts = table.Find(new(person * 31, person));
            Assert.Equal((40, 40, 0), (facts.NegativeTests.Length, System.Numerics.BitOperations.PopCount(facts.Reports.Normal), facts.Entries.Length));
        }

        Assert.Equal(2_000 * 60, table.Forget(sequence => sequence < 30));
        Assert.Equal(2_000 * 20, table.FactCount);
        for (var person = 20UL; person < 2_000; person++)
            Assert.True(table.Remove(new(person * 31, person)));
        Assert.Equal((20, 400), (table.Count, table.FactCount));
        Assert.True(table.Bytes < trimmed / 2, $"{table.Bytes} bytes are kept for 20 of 2,000");
        for (var person = 0UL; person < 20; person++)
            Assert.Equal(new EvidenceId(40), table.LastTest(new(person * 31, person)).Id);
    }

    [Fact]
    public void A_visit_or_a_normal_report_of_somebody_known_costs_no_garbage_and_asking_costs_nothing()
    {
        const int people = 500, rounds = 60;
        var table = new RecordTable(people);
        for (var person = 0; person < people; person++)
        {
            table.Fold(Report(1, 100_000) with { Person = PersonOf(person) }, 1, default);
            table.Fold(ContactOf(2, 100_000) with { Person = PersonOf(person) }, 1, new byte[80]);
        }
        var facts = Enumerable.Range(0, people * rounds).Select(number => (Evidence)(number % 2 == 0
            ? Visit((ulong)number + 10, 100_000 + number) : Report((ulong)number + 10, 100_000 + number)) with { Person = PersonOf(number % people) }).ToArray();

        var before = GC.GetAllocatedBytesForCurrentThread();
        foreach (var fact in facts)
            table.Fold(fact, 2, default);
        var each = (GC.GetAllocatedBytesForCurrentThread() - before) / (double)facts.Length;
        // 17 bytes stay for each; the rest is room to grow and slabs that were made for it.
        Assert.True(each < 60, $"{each} bytes");

        before = GC.GetAllocatedBytesForCurrentThread();
        var found = 0;
        foreach (var fact in facts)
        {
            found += table.Knows(fact.Person, fact.Id, out _) ? 1 : 0;
            found += table.Find(fact.Person).Entries.Length + table.EvidenceOf(fact.Person, 0).Encoded.Length + table.LastTest(fact.Person).Encoded.Length;
            found += table.Fold(fact, 3, default) ? 1 : 0;
        }
        // A collection beside it may leave the rest of a block to this thread's account; an object for each would be 24 bytes and more.
        Assert.Equal((facts.Length * 82, 0), (found, (GC.GetAllocatedBytesForCurrentThread() - before) / facts.Length));
    }

    private static RecordTable Sample()
    {
        var table = new RecordTable();
        table.SetKey(Person, Key);
        table.SetKey(new(1, 2), [.. Key.Reverse()]);
        table.Fold(Report(1, 100_000), 3, "report"u8);
        table.Fold(new Stay
        {
            Id = new(2), Person = Person, Happened = new(50_000), Received = new(100_000), Source = Source.Resident, Area = new(330106001002), Until = Minute.Never,
        }, 4, "home"u8);
        table.Fold(new Answer { Id = new(3), Person = Person, Happened = new(100_001), Received = new(100_001), Source = Source.Resident, Question = new(2), WasThere = true },
            5, "answer"u8);
        table.Fold(ContactOf(4, 100_002), 6, "contact"u8);
        table.Fold(TestOf(5, 100_003), 8, "test"u8);
        table.Fold(new Correction
        {
            Id = new(6), Person = Person, Happened = new(100_004), Received = new(100_004), Source = Source.CommunityWorker, Corrects = new(4), Reason = "",
        }, 9, "correction"u8);
        return table;
    }

    private static string HexOf(string sample) =>
        string.Concat(sample.Split('\n').Select(line => line.Split('#')[0].Replace(" ", "", StringComparison.Ordinal).Trim()));

    private static PersonId PersonOf(int number) => new((ulong)number * 7, (ulong)number);

    private static Declaration Report(ulong id, int at) => new() { Id = new(id), Person = Person, Happened = new(at), Received = new(at), Source = Source.Resident };

    private static Visit Visit(ulong id, int at) => new()
    {
        Id = new(id), Person = Person, Happened = new(at), Received = new(at), Source = Source.Checkpoint, Place = "gate", Area = new(330106001002),
    };

    private static Test TestOf(ulong id, int at) => new()
    {
        Id = new(id), Person = Person, Happened = new(at), Received = new(at), Source = Source.Laboratory, Result = TestResult.Negative, Institution = "First",
    };

    private static Contact ContactOf(ulong id, int at) => new()
    {
        Id = new(id), Person = Person, Happened = new(at), Received = new(at), Source = Source.Tracing, Degree = ContactKind.Close, Circumstance = "",
    };
}
