using HealthCode.Domain;

namespace HealthCode.Storage;

/// <summary>What a trial found. Nothing in it names or describes one person.</summary>
/// <param name="Changed">People whose colour would be another.</param>
/// <param name="Areas">By county of residence, in the order of their codes; first those who told of none.</param>
/// <param name="Decades">By decade of birth, the oldest first; first those whose decade is not known.</param>
/// <param name="Rules">In the draft's order, then those that only the edition in force has.</param>
/// <param name="Shapes">What changed records have in common, the most frequent first.</param>
public sealed record WhatIfOutcome(
    PlanEdition InForce, PlanEdition Draft, Minute At, long People, long Changed, ColourTable Colours, IReadOnlyList<GroupOutcome<AreaCode>> Areas,
    IReadOnlyList<GroupOutcome<short>> Decades, IReadOnlyList<RuleOutcome> Rules, IReadOnlyList<ShapeOutcome> Shapes, TimeSpan Took)
{
    /// <summary>A smaller group than this is not told of by area or age, nor by what its records have in common.</summary>
    public const int GroupMin = 5;
}

/// <summary>People, by the colour they have and the colour they would have.</summary>
public sealed class ColourTable
{
    private const int Size = (int)Colour.Red + 1;

    private readonly long[] people = new long[Size * Size];

    public long this[Colour from, Colour to]
    {
        get => people[((int)from * Size) + (int)to];
        internal set => people[((int)from * Size) + (int)to] = value;
    }

    /// <summary>The nine ways from one colour to another.</summary>
    public static IEnumerable<(Colour From, Colour To)> Ways => All.SelectMany(from => All.Select(to => (from, to)));

    public static IReadOnlyList<Colour> All { get; } = [Colour.Green, Colour.Yellow, Colour.Red];
}

/// <summary>One county, or one decade of birth.</summary>
/// <typeparam name="T">What it is known by.</typeparam>
public sealed class GroupOutcome<T>
{
    private readonly ColourTable people;
    private readonly HashSet<(Colour, Colour)> hidden = [];

    internal GroupOutcome(T key, ColourTable people) => (Key, this.people) = (key, people);

    /// <summary>The county, 6 digits, or the decade, e.g. 1950; the default for people of whom it is not known.</summary>
    public T Key { get; }

    /// <summary>Null where it is below <see cref="WhatIfOutcome.GroupMin"/>, or would give such a number away elsewhere.</summary>
    public long? Shown(Colour from, Colour to) => hidden.Contains((from, to)) ? null : people[from, to];

    /// <summary>
    /// Hides small numbers. The total of all groups is told, so that a number hidden alone could be reckoned from the
    /// others: then the smallest of those is hidden with it.
    /// </summary>
    internal static void Hide(IReadOnlyList<GroupOutcome<T>> groups)
    {
        foreach (var (from, to) in ColourTable.Ways)
        {
            var bySize = groups.OrderBy(group => group.people[from, to]).ToList();
            var small = bySize.Count(group => group.people[from, to] < WhatIfOutcome.GroupMin);
            foreach (var group in bySize.Take(small == 1 ? 2 : small))
                group.hidden.Add((from, to));
        }
    }
}

/// <summary>One rule, in both editions by its number.</summary>
/// <param name="Before">People whom it holds under the edition in force.</param>
/// <param name="After">People whom it holds under the draft.</param>
/// <param name="Gained">People whom it holds only under the draft.</param>
/// <param name="Lost">People whom it holds only under the edition in force.</param>
public sealed record RuleOutcome(string Number, long Before, long After, long Gained, long Lost);

/// <summary>Records that change alike: from and to the same colour, by the same rules.</summary>
/// <param name="Example">The evidence of one of them that rules may speak of, newest first.</param>
public sealed record ShapeOutcome(
    Colour From, Colour To, IReadOnlyList<string> Before, IReadOnlyList<string> After, long People, IReadOnlyList<ShapeEntry> Example);

/// <param name="DaysAgo">Whole days before the moment of the trial, 0 to <see cref="DaysAgoMax"/>; older counts as that.</param>
public sealed record ShapeEntry(EvidenceKind Kind, Source Source, int DaysAgo)
{
    public const int DaysAgoMax = 60;
}
