using System.Runtime.InteropServices;

namespace HealthCode.Domain;

/// <summary>One person's facts taken apart, to be changed, derived anew and written back. A table has one and uses it again and again.</summary>
/// <remarks>Here is the rule of <see cref="PersonRecord"/> once more: what stands, which answer counts, which days were reported.</remarks>
internal sealed class RecordDraft
{
    /// <summary>Where a fact's evidence lies when it is not in the old block, but comes with the fold.</summary>
    private const int IsNew = -1;

    private Fact[] facts = new Fact[32];
    private RecordEntry[] entries = new RecordEntry[32];
    private Minute[] tests = new Minute[32];
    private int count, entryCount, testCount, targetCount, asideCount;
    private long keptBytes;
    private ReportDays reports;

    private struct Fact
    {
        public ulong Id;
        public uint Sequence;
        public int Minute;
        public byte Mark;
        public ulong Target;
        public RecordEntry First, Second;
        public int KeptAt;
        public int KeptLength;
    }

    public int Count => count;

    /// <summary>Nothing that a decision reads is left.</summary>
    public bool HasNoFacts => entryCount == 0 && testCount == 0 && reports == default;

    public RecordFacts Facts => new(entries.AsSpan(0, entryCount), tests.AsSpan(0, testCount), reports);

    public int FactsWords => FactsBlock.WordsFor(entryCount, testCount);

    public int HistoryWords(int capacity) => HistoryBlock.WordsFor(capacity, targetCount, asideCount, keptBytes);

    public void Clear() => count = 0;

    public void Load(HistoryBlock block, in RecordFacts standing)
    {
        Grow(ref facts, count = block.Count);
        Span<ulong> ids = block.Ids, targets = block.Targets;
        var sequences = block.Sequences;
        var minutes = block.Minutes;
        var marks = block.Marks;
        var aside = block.Aside;
        var (target, entry, withdrawn, kept) = (0, 0, 0, 0);
        for (var index = 0; index < count; index++)
        {
            ref var fact = ref facts[index];
            (fact.Id, fact.Sequence, fact.Minute, fact.Mark) = (ids[index], sequences[index], minutes[index], marks[index]);
            fact.Target = RecordMark.HasTarget(fact.Mark) ? targets[target++] : 0;
            var made = RecordMark.EntriesOf(fact.Mark);
            if (made > 0)
            {
                var from = RecordMark.IsWithdrawn(fact.Mark) ? aside.Slice(withdrawn, made) : standing.Entries.Slice(entry, made);
                (withdrawn, entry) = RecordMark.IsWithdrawn(fact.Mark) ? (withdrawn + made, entry) : (withdrawn, entry + made);
                (fact.First, fact.Second) = (from[0], from[made - 1]);
                // What was answered is worked out anew: the answer may be what goes.
                if (RecordMark.KindOf(fact.Mark) == EvidenceKind.Stay)
                    fact.First = fact.First with { Detail = RecordEntry.NotAnswered };
            }
            if (RecordMark.IsKept(fact.Mark))
            {
                fact.KeptLength = MemoryMarshal.Read<ushort>(block.Kept[kept..]);
                fact.KeptAt = kept + sizeof(ushort);
                kept = fact.KeptAt + fact.KeptLength;
            }
        }
    }

    public void Insert(Evidence evidence, uint sequence, byte mark, int encodedLength)
    {
        Grow(ref facts, count + 1);
        var index = count++;
        for (; index > 0 && IsLater(facts[index - 1], evidence); index--)
            facts[index] = facts[index - 1];
        Span<RecordEntry> made = stackalloc RecordEntry[RecordEntry.OfOneFactMax];
        RecordEntry.Of(evidence, made);
        facts[index] = new Fact
        {
            Id = evidence.Id.Value, Sequence = sequence, Minute = evidence.Happened.Value, First = made[0], Second = made[1],
            Mark = RecordMark.With(mark, withdrawn: false, kept: true), KeptAt = IsNew, KeptLength = encodedLength,
            Target = evidence switch { Correction correction => correction.Corrects.Value, Answer answer => answer.Question.Value, _ => 0 },
        };
    }

    /// <returns>How many there were.</returns>
    public int Drop(Func<long, bool> erased)
    {
        var left = 0;
        for (var index = 0; index < count; index++)
        {
            if (!erased(facts[index].Sequence))
                facts[left++] = facts[index];
        }
        var dropped = count - left;
        count = left;
        return dropped;
    }

    private static bool IsLater(in Fact fact, Evidence evidence) =>
        fact.Minute > evidence.Happened.Value || (fact.Minute == evidence.Happened.Value && fact.Id > evidence.Id.Value);

    /// <summary>Works out what stands, and what a decision reads. The order in which the facts came cannot show.</summary>
    public void Derive()
    {
        MarkWithdrawn();
        MarkKept();
        Measure();
        Answer();
        Collect();
    }

    private void MarkWithdrawn()
    {
        var any = false;
        for (var index = 0; index < count; index++)
        {
            ref var fact = ref facts[index];
            fact.Mark = RecordMark.With(fact.Mark, withdrawn: false, RecordMark.IsKept(fact.Mark));
            any |= RecordMark.KindOf(fact.Mark) == EvidenceKind.Correction;
        }
        for (var index = 0; any && index < count; index++)
        {
            if (RecordMark.KindOf(facts[index].Mark) != EvidenceKind.Correction)
                continue;
            // A correction is not itself taken back.
            if (Find(facts[index].Target) is >= 0 and var wrong && RecordMark.KindOf(facts[wrong].Mark) != EvidenceKind.Correction)
                facts[wrong].Mark = RecordMark.With(facts[wrong].Mark, withdrawn: true, RecordMark.IsKept(facts[wrong].Mark));
        }
    }

    // What a rule may name is kept, also while it is withdrawn, and the last test, which is shown beside the code.
    private void MarkKept()
    {
        var isLast = true;
        for (var index = count - 1; index >= 0; index--)
        {
            ref var fact = ref facts[index];
            var isLastTest = isLast && RecordMark.KindOf(fact.Mark) == EvidenceKind.Test && !RecordMark.IsWithdrawn(fact.Mark);
            isLast &= !isLastTest;
            if (!isLastTest && RecordMark.EntriesOf(fact.Mark) == 0)
                fact.Mark = RecordMark.With(fact.Mark, RecordMark.IsWithdrawn(fact.Mark), kept: false);
        }
    }

    private void Measure()
    {
        (entryCount, testCount, targetCount, asideCount, keptBytes) = (0, 0, 0, 0, 0);
        for (var index = 0; index < count; index++)
        {
            var mark = facts[index].Mark;
            targetCount += RecordMark.HasTarget(mark) ? 1 : 0;
            keptBytes += RecordMark.IsKept(mark) ? sizeof(ushort) + facts[index].KeptLength : 0;
            if (RecordMark.IsWithdrawn(mark))
                asideCount += RecordMark.EntriesOf(mark);
            else
            {
                entryCount += RecordMark.EntriesOf(mark);
                testCount += RecordMark.IsNegativeTest(mark) ? 1 : 0;
            }
        }
    }

    // The last answer counts: somebody may have pressed the wrong button.
    private void Answer()
    {
        if (targetCount == 0)
            return;
        for (var index = 0; index < count; index++)
        {
            ref readonly var answer = ref facts[index];
            if (RecordMark.KindOf(answer.Mark) != EvidenceKind.Answer || RecordMark.IsWithdrawn(answer.Mark))
                continue;
            var said = RecordMark.SaysWasThere(answer.Mark) ? RecordEntry.WasThere : RecordEntry.WasNotThere;
            if (Find(answer.Target) is >= 0 and var stay && RecordMark.KindOf(facts[stay].Mark) == EvidenceKind.Stay)
                facts[stay].First = facts[stay].First with { Detail = said };
        }
    }

    private void Collect()
    {
        Grow(ref entries, entryCount);
        Grow(ref tests, testCount);
        reports = default;
        var (entry, test) = (0, 0);
        for (var index = 0; index < count; index++)
        {
            ref readonly var fact = ref facts[index];
            if (RecordMark.IsWithdrawn(fact.Mark))
                continue;
            if (RecordMark.KindOf(fact.Mark) == EvidenceKind.Declaration)
                reports = reports.With(Day.Of(new Minute(fact.Minute)), RecordMark.IsPlain(fact.Mark));
            if (RecordMark.IsNegativeTest(fact.Mark))
                tests[test++] = new Minute(fact.Minute);
            entry += CopyEntries(fact, entries.AsSpan(entry));
        }
    }

    private static int CopyEntries(in Fact fact, Span<RecordEntry> to)
    {
        var made = RecordMark.EntriesOf(fact.Mark);
        if (made > 0)
            to[0] = fact.First;
        if (made > 1)
            to[1] = fact.Second;
        return made;
    }

    /// <param name="to">As long as <see cref="HistoryWords"/> says.</param>
    /// <param name="old">The kept evidence of the block that was loaded.</param>
    /// <param name="encoded">The evidence of the fact that was inserted.</param>
    public void WriteHistory(Span<int> to, int capacity, ReadOnlySpan<byte> old, ReadOnlySpan<byte> encoded)
    {
        var block = HistoryBlock.Begin(to, count, capacity, targetCount, asideCount, (int)keptBytes);
        Span<ulong> ids = block.Ids, targets = block.Targets;
        Span<byte> marks = block.Marks, kept = block.Kept;
        var sequences = block.Sequences;
        var minutes = block.Minutes;
        var aside = block.Aside;
        var (target, withdrawn) = (0, 0);
        for (var index = 0; index < count; index++)
        {
            ref readonly var fact = ref facts[index];
            (ids[index], sequences[index], minutes[index], marks[index]) = (fact.Id, fact.Sequence, fact.Minute, fact.Mark);
            if (RecordMark.HasTarget(fact.Mark))
                targets[target++] = fact.Target;
            if (RecordMark.IsWithdrawn(fact.Mark))
                withdrawn += CopyEntries(fact, aside[withdrawn..]);
            if (RecordMark.IsKept(fact.Mark))
            {
                MemoryMarshal.Write(kept, (ushort)fact.KeptLength);
                (fact.KeptAt == IsNew ? encoded : old.Slice(fact.KeptAt, fact.KeptLength)).CopyTo(kept[sizeof(ushort)..]);
                kept = kept[(sizeof(ushort) + fact.KeptLength)..];
            }
        }
    }

    private int Find(ulong id)
    {
        var index = count - 1;
        while (index >= 0 && facts[index].Id != id)
            index--;
        return index;
    }

    private static void Grow<T>(ref T[] array, int to)
    {
        if (to > array.Length)
            Array.Resize(ref array, Math.Max(to, array.Length * 2));
    }
}
