using System.Diagnostics;
using System.Numerics;

namespace HealthCode.Domain;

// From a person to their row. A person's id is a keyed hash, so nobody can choose many that collide.
public sealed partial class RecordTable
{
    private const ulong Golden = 0x9E37_79B9_7F4A_7C15;
    private const int IndexMin = 16;

    /// <returns>-1 when there is none.</returns>
    private int RowOf(PersonId person)
    {
        var slots = index ?? BuildIndex();
        for (var slot = FirstSlot(person, slots.Length); slots[slot] is > 0 and var row; slot = (slot + 1) & (slots.Length - 1))
        {
            if (people[row - 1] == person)
                return row - 1;
        }
        return -1;
    }

    private static int FirstSlot(PersonId person, int slots) =>
        (int)(((person.Low + (person.High * Golden)) * Golden) >> (64 - BitOperations.Log2((uint)slots)));

    // Three quarters full at most: then the next free one is near.
    private int[] NewIndex() => new int[Math.Max(IndexMin, (int)BitOperations.RoundUpToPowerOf2((uint)(count + (count / 3) + 1)))];

    private int[] BuildIndex()
    {
        var slots = NewIndex();
        for (var row = 0; row < count; row++)
            Place(slots, row);
        return index = slots;
    }

    private void AddToIndex(int row)
    {
        if (count > index!.Length / 4 * 3)
            BuildIndex();
        else
            Place(index, row);
    }

    private void Place(int[] slots, int row)
    {
        var slot = FirstSlot(people[row], slots.Length);
        while (slots[slot] > 0)
            slot = (slot + 1) & (slots.Length - 1);
        slots[slot] = row + 1;
    }

    private int SlotOf(int row)
    {
        var slot = FirstSlot(people[row], index!.Length);
        while (index[slot] != row + 1)
            slot = (slot + 1) & (index.Length - 1);
        return slot;
    }

    // What comes after a gap must not be cut off by it: whoever would find a place in the gap moves there.
    private void RemoveFromIndex(int row)
    {
        Debug.Assert(index is not null, "Who was found to be removed was found by the index.");
        var (gap, mask) = (SlotOf(row), index.Length - 1);
        for (var slot = (gap + 1) & mask; index[slot] > 0; slot = (slot + 1) & mask)
        {
            var first = FirstSlot(people[index[slot] - 1], index.Length);
            if (((slot - first) & mask) >= ((slot - gap) & mask))
                (index[gap], gap) = (index[slot], slot);
        }
        index[gap] = 0;
    }
}
