using System.Buffers.Binary;
using CsCheck;

namespace HealthCode.Domain.Tests;

/// <summary>The flat table says of everybody what a <see cref="PersonRecord"/> says that was folded from the same facts.</summary>
public class RecordTableProperties
{
    private const int PeopleMax = 5;

    /// <summary>A batch's sequence takes all 32 bits.</summary>
    private const long FirstSequence = uint.MaxValue - 100L;

    private static readonly Gen<Evidence> GenVisit =
        from at in PolicyProperties.GenMinute
        select (Evidence)new Visit
        {
            Id = default, Person = default, Happened = PolicyProperties.At(at), Received = PolicyProperties.At(at), Source = Source.Checkpoint,
            Place = "gate", Area = PolicyProperties.Area("330106"),
        };

    private static readonly Gen<Evidence> GenCorrection =
        from at in PolicyProperties.GenMinute
        from wrong in Gen.ULong[1, 40]
        select (Evidence)new Correction
        {
            Id = default, Person = default, Happened = PolicyProperties.At(at), Received = PolicyProperties.At(at), Source = Source.CommunityWorker,
            Corrects = new(wrong), Reason = "wrong",
        };

    // Some at the same minute, on the first day that can be counted, and on the last.
    private static readonly Gen<Evidence> GenFact =
        from fact in Gen.Frequency((6, PolicyProperties.GenFact), (1, GenVisit), (1, GenCorrection))
        from at in Gen.Frequency((10, Gen.Const(-1)), (3, PolicyProperties.AnyOf(20_000, 20_001, 20_002)), (1, PolicyProperties.AnyOf(5, 900, 970, int.MaxValue - 1)))
        from id in Gen.ULong[1, 40]
        from person in Gen.ULong[1, PeopleMax]
        select fact with { Id = new(id), Person = new(person * 7_919, person), Happened = at < 0 ? fact.Happened : new(at) };

    private static readonly Gen<(Evidence[] Facts, AreaRisks Risks, Minute Now, Policy Policy)> GenCase =
        Gen.Select(GenFact.Array[0, 150], PolicyProperties.GenRisks, PolicyProperties.GenMinute, PolicyProperties.AnyOf(PolicyProperties.Policies))
            .Select((facts, risks, now, policy) => (facts, risks, PolicyProperties.At(now), policy));

    [Fact]
    public void It_says_what_records_say_that_were_folded_from_the_same_facts() => GenCase.Sample(given =>
    {
        var judged = new Judged();
        foreach (var fact in given.Facts)
            judged.Fold(fact);
        judged.Check(given);
    });

    [Fact]
    public void Whatever_came_first_the_record_is_the_same() => Gen.Select(GenCase, Gen.Int).Sample((given, seed) =>
    {
        // Of two facts under one id the first stays; without such, the order does not show.
        var facts = given.Facts.DistinctBy(fact => (fact.Person, fact.Id)).ToArray();
        var (one, other) = (new RecordTable(), new RecordTable());
        foreach (var fact in facts)
            Assert.True(one.Fold(fact, 1, EncodedOf(fact)));
        new Random(seed).Shuffle(facts);
        foreach (var fact in facts)
            Assert.True(other.Fold(fact, 1, EncodedOf(fact)));
        foreach (var person in facts.Select(fact => fact.Person).Distinct())
            AssertSame(one.Find(person), other.Find(person));
    });

    [Fact]
    public void It_is_the_same_after_it_was_written_and_read_and_can_be_folded_into() =>
        Gen.Select(GenCase, GenFact.Array[0, 30], Gen.Int[1, 3_000]).Sample((given, later, partBytes) =>
        {
            var judged = new Judged();
            foreach (var fact in given.Facts)
                judged.Fold(fact);
            var parts = judged.Table.WriteParts(partBytes);
            judged.Table = RecordTable.ReadFrom(parts);
            judged.Check(given);
            Assert.Equal(parts.SelectMany(part => part.ToArray()), judged.Table.WriteParts(partBytes).SelectMany(part => part.ToArray()));
            foreach (var fact in later)
                judged.Fold(fact);
            judged.Check(given);
        });

    [Fact]
    public void What_retention_erased_was_never_there() => Gen.Select(GenCase, Gen.Int[0, 10].HashSet[0, 6], GenFact.Array[0, 30]).Sample((given, erased, later) =>
    {
        var judged = new Judged();
        foreach (var fact in given.Facts)
            judged.Fold(fact);
        judged.Forget(sequence => erased.Contains((int)(sequence - FirstSequence)));
        judged.Check(given);
        foreach (var fact in later)
            judged.Fold(fact);
        judged.Check(given);
    });

    [Fact]
    public void Who_was_removed_is_not_known_and_nobody_else_is_touched() =>
        Gen.Select(GenCase, Gen.ULong[1, PeopleMax].Array[1, 3], GenFact.Array[0, 30]).Sample((given, gone, later) =>
        {
            var judged = new Judged();
            foreach (var fact in given.Facts)
                judged.Fold(fact);
            foreach (var person in gone)
                judged.Remove(new(person * 7_919, person));
            judged.Check(given);
            foreach (var fact in later)
                judged.Fold(fact);
            judged.Check(given);
        });

    // Through many slabs: blocks are replaced, used again, pushed together, and some people go.
    [Fact]
    public void In_a_large_table_people_come_and_go_and_nobody_is_mistaken_for_another() => Gen.Int.Sample(seed =>
    {
        const int people = 400;
        var random = new Random(seed);
        var (table, accepted) = (new RecordTable(), new Dictionary<(PersonId, EvidenceId), (Evidence Fact, long Sequence)>());
        var facts = GenFact.Array[500].Single();
        for (var step = 0; step < 40_000; step++)
        {
            var number = (ulong)random.Next(people);
            var fact = facts[random.Next(facts.Length)] with { Person = new(number * 31, number), Id = new((ulong)random.Next(1, 200)) };
            Assert.Equal(accepted.TryAdd((fact.Person, fact.Id), (fact, step / 50)), table.Fold(fact, step / 50, EncodedOf(fact)));
            if (step % 400 == 0)
                Assert.Equal(accepted.Keys.Where(key => key.Item1 == fact.Person).ToList().TrueForAll(accepted.Remove), table.Remove(fact.Person));
            if (step % 9_000 == 8_999)
                Assert.Equal(accepted.Where(pair => pair.Value.Sequence % 3 == 0).Count(pair => accepted.Remove(pair.Key)), table.Forget(sequence => sequence % 3 == 0));
            table = step == 20_000 ? RecordTable.ReadFrom(table.WriteParts()) : table;
        }
        foreach (var person in accepted.Keys.Select(key => key.Item1).Distinct())
        {
            var record = new PersonRecord(person);
            record.FoldMany(accepted.Where(pair => pair.Key.Item1 == person).Select(pair => pair.Value.Fact));
            AssertSame(record.Facts, table.Find(person));
            for (var entry = 0; entry < record.Facts.Entries.Length; entry++)
            {
                var kept = table.EvidenceOf(person, entry);
                Assert.Equal(EncodedOf(record.Find(kept.Id)!), kept.Encoded.ToArray());
            }
        }
        Assert.Equal(accepted.Count, table.FactCount);
        Assert.All(accepted, pair => Assert.True(table.Knows(pair.Key.Item1, pair.Key.Item2, out var sequence) && sequence == pair.Value.Sequence));
    }, iter: 4);

    [Fact]
    public void Damaged_bytes_are_refused_or_read_as_something_that_can_be_asked() =>
        Gen.Select(GenCase, Gen.Select(Gen.Int[0, 1_000_000], Gen.Byte).Array[1, 4], Gen.Int[0, 8]).Sample((given, flips, how) =>
        {
            var table = new RecordTable();
            foreach (var fact in given.Facts)
                table.Fold(fact, FirstSequence, EncodedOf(fact));
            var bytes = table.WriteParts()[0].ToArray();
            foreach (var (at, bits) in flips)
                bytes[at % bytes.Length] ^= bits;
            if (how == 0)
                bytes = bytes[..(flips[0].Item1 % bytes.Length)];
            RecordTable read;
            try
            {
                read = RecordTable.ReadFrom([bytes]);
            }
            catch (InvalidDataException)
            {
                return;
            }
            AskEverything(read, given);
        }, iter: 3_000);

    private static void AskEverything(RecordTable table, (Evidence[] Facts, AreaRisks Risks, Minute Now, Policy Policy) given)
    {
        for (var row = 0; row < table.Count; row++)
        {
            var person = table.PersonAt(row);
            given.Policy.Decide(table[row], given.Risks, given.Now);
            for (var entry = 0; entry < table[row].Entries.Length; entry++)
                _ = table.EvidenceOf(person, entry).Encoded.Length;
            _ = table.LastTest(person).Encoded.Length;
            _ = table.ReadSequences(person);
        }
        foreach (var fact in given.Facts)
            table.Fold(fact with { Id = new(fact.Id.Value + 1_000) }, 5, EncodedOf(fact));
        table.Forget(sequence => sequence == FirstSequence);
        RecordTable.ReadFrom(table.WriteParts());
    }

    private static byte[] EncodedOf(Evidence evidence)
    {
        var bytes = new byte[12 + (evidence.Id.Value % 50)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, evidence.Id.Value);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), evidence.Happened.Value);
        return bytes;
    }

    private static void AssertSame(in RecordFacts expected, in RecordFacts actual)
    {
        Assert.Equal(expected.Entries.ToArray(), actual.Entries.ToArray());
        Assert.Equal(expected.NegativeTests.ToArray(), actual.NegativeTests.ToArray());
        Assert.Equal((expected.Reports, expected.Kinds), (actual.Reports, actual.Kinds));
    }

    /// <summary>A table, and beside it the accepted facts from which records are folded anew for each check.</summary>
    private sealed class Judged
    {
        private readonly List<(Evidence Fact, long Sequence)> accepted = [];
        private int folded;
        private bool hasForgotten;

        public RecordTable Table { get; set; } = new();

        public void Fold(Evidence fact)
        {
            var sequence = FirstSequence + (folded++ / 12);
            var isNew = !accepted.Exists(other => other.Fact.Person == fact.Person && other.Fact.Id == fact.Id);
            Assert.Equal(isNew, Table.Fold(fact, sequence, EncodedOf(fact)));
            if (isNew)
                accepted.Add((fact, sequence));
        }

        public void Forget(Func<long, bool> erased)
        {
            hasForgotten = true;
            Assert.Equal(accepted.RemoveAll(fact => erased(fact.Sequence)), Table.Forget(erased));
        }

        public void Remove(PersonId person) => Assert.Equal(accepted.RemoveAll(fact => fact.Fact.Person == person) > 0, Table.Remove(person));

        public void Check((Evidence[] Facts, AreaRisks Risks, Minute Now, Policy Policy) given)
        {
            Assert.Equal(accepted.Count, Table.FactCount);
            Assert.Equal(accepted.Select(fact => fact.Fact.Person).Distinct().Order(Comparer<PersonId>.Create((a, b) => a.Low.CompareTo(b.Low))),
                Enumerable.Range(0, Table.Count).Select(Table.PersonAt).Order(Comparer<PersonId>.Create((a, b) => a.Low.CompareTo(b.Low))));
            for (var number = 1UL; number <= PeopleMax; number++)
                Check(new PersonId(number * 7_919, number), given);
        }

        private void Check(PersonId person, (Evidence[] Facts, AreaRisks Risks, Minute Now, Policy Policy) given)
        {
            var record = new PersonRecord(person);
            var facts = accepted.Where(fact => fact.Fact.Person == person).ToList();
            foreach (var (fact, _) in facts)
                record.Fold(fact);
            AssertSame(record.Facts, Table.Find(person));
            Assert.Equal(record.Version, Table.FactCountOf(person));
            Assert.Equal(given.Policy.Decide(record.Facts, given.Risks, given.Now), given.Policy.Decide(Table.Find(person), given.Risks, given.Now));
            CheckExplanation(record, given);
            CheckLastTest(record);
            Assert.All(facts, fact => Assert.True(Table.Knows(person, fact.Fact.Id, out var sequence) && sequence == fact.Sequence));
            Assert.False(Table.Knows(person, new(99), out _));
            Assert.Equal(facts.Select(fact => fact.Sequence).Distinct().Order(), Table.ReadSequences(person));
        }

        private void CheckExplanation(PersonRecord record, (Evidence[] Facts, AreaRisks Risks, Minute Now, Policy Policy) given)
        {
            Evidence Behind(int entry)
            {
                var kept = Table.EvidenceOf(record.Person, entry);
                var fact = record.Find(kept.Id)!;
                Assert.Equal(EncodedOf(fact), kept.Encoded.ToArray());
                Assert.Contains((fact, kept.Sequence), accepted);
                return fact;
            }
            var expected = Explanation.Of(record, given.Risks, given.Policy, given.Now);
            var actual = Explanation.Of(record.Person, Table.Find(record.Person), Behind, given.Risks, given.Policy, given.Now);
            Assert.Equal(expected.Decision, actual.Decision);
            Assert.Equal(expected.Rules.Count, actual.Rules.Count);
            foreach (var (one, other) in expected.Rules.Zip(actual.Rules))
            {
                Assert.Equal(one.Endings, other.Endings);
                Assert.Equal(one with { Endings = [] }, other with { Endings = [] });
            }
            // Each entry names its fact, also those that hold no rule today.
            for (var entry = 0; entry < record.Facts.Entries.Length; entry++)
                Assert.Equal(record.Facts.Entries[entry].Start, Behind(entry).Happened);
        }

        private void CheckLastTest(PersonRecord record)
        {
            var expected = record.Standing.ToArray().OfType<Test>().LastOrDefault();
            var actual = Table.LastTest(record.Person);
            Assert.Equal(expected is null, actual.IsNone);
            if (expected is null)
                return;
            Assert.Equal(expected.Id, actual.Id);
            Assert.Contains((expected, actual.Sequence), accepted);
            // Only where a later one was taken back, or erased, must the journal be asked for it.
            var mayBeGone = hasForgotten || record.All.OfType<Test>().Any(test => record.IsWithdrawn(test.Id));
            if (expected.Result != TestResult.Negative || !mayBeGone)
                Assert.Equal(EncodedOf(expected), actual.Encoded.ToArray());
            else
                Assert.True(actual.Encoded.IsEmpty || actual.Encoded.SequenceEqual(EncodedOf(expected)));
        }
    }
}
