using System.Collections.Frozen;

namespace HealthCode.Domain;

/// <summary>One administrative division, or a compound or building that the region numbered itself.</summary>
/// <param name="Name">Its own name, without those of the larger ones it lies in.</param>
public sealed record Division(AreaCode Code, string Name, string? EnglishName = null);

/// <summary>The divisions that are known by name. Immutable.</summary>
public sealed class Divisions
{
    private static readonly Lazy<Divisions> LoadedBuiltIn = new(LoadBuiltIn);

    private readonly FrozenDictionary<AreaCode, Division> byCode;
    private readonly ILookup<AreaCode, Division> byParent;

    private Divisions(IEnumerable<Division> divisions)
    {
        byCode = divisions.ToFrozenDictionary(division => division.Code);
        byParent = byCode.Values.OrderBy(division => division.Code).ToLookup(division => ParentOf(division.Code));
    }

    /// <summary>China's, to the county: <c>data-sets/divisions</c>.</summary>
    public static Divisions BuiltIn => LoadedBuiltIn.Value;

    /// <summary>These and others, which replace those of the same code.</summary>
    public Divisions With(IEnumerable<Division> others) =>
        new(others.Concat(byCode.Values).DistinctBy(division => division.Code));

    public bool Exists(AreaCode code) => byCode.ContainsKey(code);

    public Division? Find(AreaCode code) => byCode.GetValueOrDefault(code);

    /// <summary>The divisions just below <paramref name="parent"/>, by code; the provinces below none.</summary>
    public IEnumerable<Division> Children(AreaCode parent) => byParent[parent];

    /// <summary>All that lies in <paramref name="area"/> down to so many digits, each before those that lie in it.</summary>
    public IEnumerable<Division> Within(AreaCode area, int depthMax) => Children(area)
        .Where(child => child.Code.Depth <= depthMax)
        .SelectMany(child => Within(child.Code, depthMax).Prepend(child));

    /// <summary>The next larger division that is known by name; none for a province.</summary>
    public AreaCode ParentOf(AreaCode code)
    {
        // A county of a province that has no prefecture here still belongs somewhere.
        var parent = code.Parent;
        while (!parent.IsNone && !byCode.ContainsKey(parent))
            parent = parent.Parent;
        return parent;
    }

    /// <summary>The name with those of the larger divisions before it, 浙江省杭州市西湖区; the digits of one not known.</summary>
    public string NameOf(AreaCode code) => string.Concat(PathOf(code).Select(division => division.Name)) is { Length: > 0 } name ? name : code.ToString();

    /// <summary>In English as far as there are English names, the smallest first; else the Chinese name.</summary>
    public string EnglishNameOf(AreaCode code)
    {
        var path = PathOf(code).ToList();
        return path.Count == 0 ? code.ToString()
            : string.Join(", ", path.AsEnumerable().Reverse().Select(division => division.EnglishName ?? division.Name));
    }

    public Text NamesOf(AreaCode code) => new(NameOf(code), EnglishNameOf(code));

    private IEnumerable<Division> PathOf(AreaCode code)
    {
        var path = new Stack<Division>();
        for (var area = code; !area.IsNone; area = area.Parent)
        {
            // Municipalities have counties directly below a prefecture of no name of its own.
            if (Find(area) is { } division && division.Name is not ("市辖区" or "县"))
                path.Push(division);
        }
        return path;
    }

    private static Divisions LoadBuiltIn()
    {
        var english = ReadRows("provinces.en.csv").ToDictionary(row => row.Code, row => row.Name);
        return new(ReadRows("gb2260.csv").Select(row => new Division(row.Code, row.Name, english.GetValueOrDefault(row.Code))));
    }

    private static IEnumerable<(AreaCode Code, string Name)> ReadRows(string file)
    {
        using var reader = new StreamReader(typeof(Divisions).Assembly.GetManifestResourceStream("divisions/" + file)!);
        reader.ReadLine();
        while (reader.ReadLine() is { } line)
        {
            var cells = line.Split(',');
            if (!AreaCode.TryParse(cells[0], out var code))
                throw new InvalidDataException($"{file}: {cells[0]} is no division code");
            yield return (code, cells[1]);
        }
    }
}
