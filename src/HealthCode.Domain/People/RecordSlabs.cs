using System.Buffers;

namespace HealthCode.Domain;

/// <summary>Blocks of four-byte words, one after the other in large arrays that the garbage collector need not look into.</summary>
/// <remarks>
/// A block is reserved and released, and never grows: what changes is written anew elsewhere. What was released waits for
/// a block of just its size, or for <see cref="Compact"/>, which pushes the blocks together. A place is a slab's number in
/// its high 16 bits and the block's first word in its low 16. A block larger than a slab gets a slab of its own, of just
/// its size.
/// </remarks>
internal sealed class RecordSlabs
{
    /// <summary>The place of what is not there.</summary>
    public const uint None = uint.MaxValue;

    private const int SlabBits = 16;
    private const int SlabWords = 1 << SlabBits;
    private const int SlabsMax = (1 << (32 - SlabBits)) - 1;

    /// <summary>The first slab begins so small and doubles, for a table of some few people.</summary>
    private const int FirstWords = 1 << 8;

    /// <summary>Below so much garbage nothing is compacted.</summary>
    private const int GarbageMin = FirstWords;

    /// <summary>Released blocks of fewer words are used again as they are.</summary>
    private const int ReusedWords = 1 << 9;

    private int[][] slabs = [];

    // By size the place of the block that was released last; in its first word stands the one before. Null until the first.
    private uint[]? released;
    private int count;
    private int current = -1;
    private int filled;
    private long garbage;
    private long taken;
    private long reserved;

    /// <summary>How long the block is that begins here, in words.</summary>
    public delegate int LengthOf(Span<int> block);

    /// <summary>Bytes of all slabs, with what is not used of them.</summary>
    public long Bytes => reserved * sizeof(int);

    /// <summary>More than a quarter of what is taken is garbage.</summary>
    public bool IsWasteful => garbage > GarbageMin && garbage * 4 > taken;

    /// <summary>All from the block's first word on; the block itself says how long it is. Until the next change.</summary>
    public Span<int> At(uint place) => slabs[(int)(place >> SlabBits)].AsSpan((int)(place & (SlabWords - 1)));

    /// <summary>A new block. What is in it is left from before: the caller writes all of it.</summary>
    /// <exception cref="InvalidOperationException">The table is full: it holds sixteen gigabytes.</exception>
    public uint Reserve(int words)
    {
        if (released is not null && words < ReusedWords && released[words] is var again && again != None)
        {
            released[words] = (uint)At(again)[0];
            garbage -= words;
            return again;
        }
        var place = words > SlabWords ? ReserveAlone(words) : ReserveAmongOthers(words);
        taken += words;
        return place;
    }

    public void Release(uint place, int words)
    {
        if (words <= SlabWords)
        {
            garbage += words;
            KeepForReuse(place, words);
            return;
        }
        taken -= words;
        reserved -= words;
        slabs[(int)(place >> SlabBits)] = [];
    }

    private void KeepForReuse(uint place, int words)
    {
        if (words >= ReusedWords)
            return;
        released ??= NothingReleased();
        At(place)[0] = (int)released[words];
        released[words] = place;
    }

    private static uint[] NothingReleased()
    {
        var none = new uint[ReusedWords];
        Array.Fill(none, None);
        return none;
    }

    /// <summary>Pushes all blocks together, in place and in the order in which they lie, so that nothing is overwritten before it moved.</summary>
    /// <param name="places">Where every block lies, or <see cref="None"/>; is told where it lies then.</param>
    public void Compact(Span<uint> places, LengthOf lengthOf)
    {
        var (order, owners) = (ArrayPool<uint>.Shared.Rent(places.Length), ArrayPool<int>.Shared.Rent(places.Length));
        places.CopyTo(order);
        for (var owner = 0; owner < places.Length; owner++)
            owners[owner] = owner;
        Array.Sort(order, owners, 0, places.Length);
        StartOver();
        for (var index = 0; index < places.Length && order[index] != None; index++)
        {
            var block = At(order[index]);
            var words = lengthOf(block);
            taken += words;
            if (words > SlabWords)
                continue;
            var place = ReserveAmongOthers(words);
            block[..words].CopyTo(At(place));
            places[owners[index]] = place;
        }
        ArrayPool<uint>.Shared.Return(order);
        ArrayPool<int>.Shared.Return(owners);
        GiveBack();
    }

    private void StartOver()
    {
        (current, filled, taken, garbage) = (-1, 0, 0, 0);
        released?.AsSpan().Fill(None);
        Advance();
    }

    // A quarter of what is used stays for what comes; the rest goes back.
    private void GiveBack()
    {
        for (var slab = count - 1; slab > current + 1 + (current / 4); slab--)
        {
            if (slabs[slab].Length <= SlabWords)
                Replace(slab, []);
        }
    }

    private uint ReserveAlone(int words)
    {
        var slab = 0;
        while (slab < count && slabs[slab].Length > 0)
            slab++;
        if (slab == count)
            AddSlab();
        Replace(slab, GC.AllocateUninitializedArray<int>(words));
        return (uint)slab << SlabBits;
    }

    private uint ReserveAmongOthers(int words)
    {
        if (current < 0)
            Advance();
        if (filled + words > slabs[current].Length && !GrowFirst(filled + words))
        {
            // A block never crosses from one slab into the next.
            Advance();
            GrowFirst(words);
        }
        var place = ((uint)current << SlabBits) | (uint)filled;
        filled += words;
        return place;
    }

    private bool GrowFirst(int words)
    {
        var slab = slabs[current];
        if (words <= slab.Length)
            return true;
        if (words > SlabWords)
            return false;
        var larger = GC.AllocateUninitializedArray<int>((int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)words));
        slab.CopyTo(larger, 0);
        Replace(current, larger);
        return true;
    }

    private void Advance()
    {
        do
        {
            if (++current == count)
                AddSlab();
        }
        while (slabs[current].Length > SlabWords);
        if (slabs[current].Length == 0)
            Replace(current, GC.AllocateUninitializedArray<int>(current == 0 ? FirstWords : SlabWords));
        filled = 0;
    }

    private void AddSlab()
    {
        if (count == SlabsMax)
            throw new InvalidOperationException("The table is full.");
        if (count == slabs.Length)
            Array.Resize(ref slabs, Math.Max(4, count + (count / 2)));
        slabs[count++] = [];
    }

    private void Replace(int slab, int[] with)
    {
        reserved += with.Length - slabs[slab].Length;
        slabs[slab] = with;
    }
}
