using HealthCode.Domain;

namespace HealthCode.Simulation;

/// <param name="Residents">1 to 10,000,000.</param>
public sealed record CityOptions
{
    public int Seed { get; init; } = 1;
    public int Residents { get; init; } = 10_000;
}

/// <summary>Somebody of the city, who does not exist.</summary>
/// <param name="Home">The residents' committee that they live in, 12 digits.</param>
public sealed record Resident(
    int Index, PersonName Name, IdentityDocument Document, PhoneNumber Phone, int Household, AreaCode Home, string Address, int Workplace)
{
    public override string ToString() => $"resident {Index}";
}

public enum VenueKind
{
    MetroStation,
    Market,
    Hospital,
    School,
    Office,
    Restaurant,
    Mall,
}

/// <summary>A place with a door.</summary>
public sealed record Venue(int Index, string Id, string NameZh, string NameEn, VenueKind Kind, AreaCode Area, bool AsksTemperature);

/// <summary>Where somebody was: at a venue, or at home when there is none.</summary>
/// <param name="Until">First minute elsewhere.</param>
public readonly record struct Movement(Minute From, Minute Until, int? Venue);

/// <param name="Made">Some forget.</param>
public readonly record struct DailyReport(bool Made, Minute At, Symptoms Symptoms, short TemperatureTenths);

/// <param name="DaysAgo">Days since they came.</param>
public readonly record struct Arrival(AreaCode From, int DaysAgo);

/// <summary>A train that brought somebody.</summary>
public readonly record struct Ride(AreaCode From, int DaysAgo, string Train, string Carriage, string Seat);

/// <summary>What disease control found or ordered about somebody.</summary>
/// <param name="Released">A while after, where something was ordered.</param>
public readonly record struct CaseContact(ContactKind Contact, OrderKind? Ordered, int DaysAgo, bool Released);

/// <summary>A phone that reached a mast across the border, and so perhaps its owner.</summary>
public readonly record struct MastStay(int DaysAgo, int Minutes, byte Confidence);

/// <summary>A city from a seed: everybody's name, number, home and days, computed when asked for and the same each time.</summary>
/// <remarks>
/// Nothing is stored, so ten million people cost no more than one. A document number carries its owner's index, so the
/// city is its own register: county, birth day and sequence number are an index written in another base.
/// <code>
///   index = (sequence × counties + county) × birth days + birth day     sequence 0–999, counties 8, birth days 32,768
/// </code>
/// Its division code, 9901, was never given to any place, and no operator has numbers that begin with 12.
/// </remarks>
public sealed class City
{
    public const int ResidentsMax = 10_000_000;

    private const int Counties = 8;
    private const int TownshipsPerCounty = 4;
    private const int CommitteesPerTownship = 10;
    private const int BirthDays = 32_768;
    private const int ResidentsPerVenue = 120;
    private const long Province = 990_000_000_000;
    private const long Prefecture = 990_100_000_000;

    // The county whose edge is the border, and the one on the other side, which belongs to another city.
    private const int BorderCounty = 6;
    private const long NeighbourPrefecture = 990_200_000_000;
    private const long Neighbour = 990_201_000_000;

    private static readonly DateOnly FirstBirthDay = new(1931, 1, 1);
    private static readonly string[] CountyNames = ["东湖区", "西岭区", "南浦区", "北塘区", "中山区", "开源区", "临江县", "青溪县"];
    private static readonly string[] CountyNamesEn =
        ["Donghu", "Xiling", "Nanpu", "Beitang", "Zhongshan", "Kaiyuan", "Linjiang", "Qingxi"];
    private static readonly string[] Surnames =
        ["王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高", "林", "何", "郭", "马", "罗", "欧阳", "司马"];
    private static readonly string[] Given =
        ["安", "宁", "文", "华", "明", "静", "丽", "强", "军", "洋", "勇", "艳", "杰", "娟", "涛", "超", "霞", "平", "刚", "雨", "晨", "思", "佳", "欣"];

    // People come from all over; a code of a real county for each.
    private static readonly long[] Elsewhere = [420106, 420111, 430181, 330106, 310115, 440106, 110105, 510107, 610113, 410105];

    private readonly CityOptions options;
    private readonly ulong seed;

    public City(CityOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Residents, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Residents, ResidentsMax, nameof(options));
        this.options = options;
        seed = Mix((ulong)(uint)options.Seed);
    }

    public int Residents => options.Residents;

    public int VenueCount => Math.Max(12, Residents / ResidentsPerVenue);

    /// <summary>The fictional divisions that the city lies in, from its province down to its residents' committees.</summary>
    public static IEnumerable<Division> Divisions
    {
        get
        {
            yield return new Division(new AreaCode(Province), "示例省", "Example Province");
            yield return new Division(new AreaCode(Prefecture), "示例市", "Example City");
            yield return new Division(new AreaCode(NeighbourPrefecture), "邻例市", "Neighbour City");
            yield return new Division(AcrossTheBorder, "渡口县", "Dukou");
            for (var county = 0; county < Counties; county++)
            {
                yield return new Division(CountyCode(county), CountyNames[county], CountyNamesEn[county]);
                for (var township = 0; township < TownshipsPerCounty; township++)
                {
                    yield return new Division(TownshipCode(county, township), $"第{township + 1}街道", $"Subdistrict {township + 1}");
                    for (var committee = 0; committee < CommitteesPerTownship; committee++)
                        yield return new Division(CommitteeCode(county, township, committee), $"第{committee + 1}社区", $"Community {committee + 1}");
                }
            }
        }
    }

    /// <summary>The county across the border, whose masts reach into the city.</summary>
    public static AreaCode AcrossTheBorder => new(Neighbour);

    public static AreaCode Self => new(Prefecture);

    /// <param name="index">From 0, below <see cref="Residents"/>.</param>
    public Resident Resident(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Residents);
        var household = HouseholdOf(index);
        var home = HomeOf(household);
        return new Resident(
            index, NameOf(index, household), DocumentOf(index), PhoneOf(index), household, home,
            $"{1 + Pick("building", household, 60)}幢{1 + Pick("floor", household, 30)}{1 + Pick("door", household, 4):D2}室",
            Pick("workplace", index, VenueCount));
    }

    /// <summary>Whose number this is; false for a number that nobody of this city has.</summary>
    public bool TryFind(IdentityDocument document, out int index)
    {
        ArgumentNullException.ThrowIfNull(document);
        index = -1;
        if (document.Type != DocumentType.CitizenId || document.BirthDate is not { } birth)
            return false;
        var number = document.Normalized;
        var county = int.Parse(number.AsSpan(0, 6), null) - 990_101;
        var day = birth.DayNumber - FirstBirthDay.DayNumber;
        var sequence = int.Parse(number.AsSpan(14, 3), null);
        if (county is < 0 or >= Counties || day is < 0 or >= BirthDays)
            return false;
        var scattered = (((long)sequence * Counties) + county) * BirthDays + day;
        var found = Gather(scattered);
        if (found >= Residents || DocumentOf((int)found).Normalized != number)
            return false;
        index = (int)found;
        return true;
    }

    public Venue Venue(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, VenueCount);
        var kind = (VenueKind)(index % 7);
        var (zh, en, asks) = kind switch
        {
            VenueKind.MetroStation => ("地铁站", "Metro station", false),
            VenueKind.Market => ("菜市场", "Market", false),
            VenueKind.Hospital => ("医院", "Hospital", true),
            VenueKind.School => ("学校", "School", true),
            VenueKind.Office => ("写字楼", "Office building", false),
            VenueKind.Restaurant => ("餐厅", "Restaurant", false),
            _ => ("商场", "Shopping mall", false),
        };
        var county = Pick("venue county", index, Counties);
        var area = CommitteeCode(county, Pick("venue township", index, TownshipsPerCounty), Pick("venue committee", index, CommitteesPerTownship));
        return new Venue(
            index, $"venue-{index:D5}", $"{CountyNames[county]}{zh}{(index / 7) + 1}号", $"{CountyNamesEn[county]} {en} {(index / 7) + 1}", kind, area, asks);
    }

    /// <summary>A share of the people came from elsewhere within the last months.</summary>
    public Arrival? ArrivalOf(int index) => Pick("arrival", index, 100) < 3
        ? new Arrival(new AreaCode(Elsewhere[Pick("from", index, Elsewhere.Length)] * 1_000_000), 1 + Pick("days ago", index, 40)) : null;

    /// <summary>One day from midnight to midnight without gap or overlap: home, work or school, sometimes somewhere else, home.</summary>
    public IEnumerable<Movement> Movements(int index, Day day)
    {
        var key = DayKey(index, day);
        var (start, end) = (day.Start, day.Plus(1).Start);
        var leave = start.Plus(TimeSpan.FromMinutes((7 * 60) + Pick("leave", key, 120)));
        var back = leave.Plus(TimeSpan.FromMinutes((8 * 60) + Pick("back", key, 120)));
        if (Pick("stays in", key, 10) < 3)
        {
            yield return new Movement(start, end, null);
            yield break;
        }
        yield return new Movement(start, leave, null);
        yield return new Movement(leave, back, Pick("workplace", index, VenueCount));
        if (Pick("goes out", key, 2) == 0)
        {
            var later = back.Plus(TimeSpan.FromMinutes(20 + Pick("for how long", key, 90)));
            yield return new Movement(back, later, Pick("where", key, VenueCount));
            back = later;
        }
        yield return new Movement(back, end, null);
    }

    /// <summary>Nine of ten report on a day, between six and nine in the morning; about one of 400 has a fever.</summary>
    public DailyReport Report(int index, Day day)
    {
        var key = DayKey(index, day);
        var ill = Pick("fever", key, 400) == 0;
        return new DailyReport(
            Pick("reports", key, 10) > 0, day.Start.Plus(TimeSpan.FromMinutes((6 * 60) + Pick("report at", key, 180))),
            ill ? Symptoms.Fever : Symptoms.None, (short)(ill ? 375 + Pick("degrees", key, 15) : 360 + Pick("degrees", key, 11)));
    }

    /// <summary>Three of a hundred are tested on a day, in the morning, and are negative.</summary>
    public Minute? SampledOn(int index, Day day)
    {
        var key = DayKey(index, day);
        return Pick("tested", key, 100) < 3 ? day.Start.Plus(TimeSpan.FromMinutes((8 * 60) + Pick("tested at", key, 240))) : null;
    }

    /// <summary>How many days ago each dose was given, the first dose first; six of ten have one to three.</summary>
    public IReadOnlyList<int> DosesDaysAgo(int index)
    {
        var doses = Pick("vaccinated", index, 10) < 6 ? 1 + Pick("doses", index, 3) : 0;
        var last = 20 + Pick("last dose", index, 300);
        return [.. Enumerable.Range(1, doses).Select(dose => last + (30 * (doses - dose)))];
    }

    /// <summary>Who came from elsewhere came by train.</summary>
    public Ride? RideOf(int index) => ArrivalOf(index) is { } arrival
        ? new Ride(
            arrival.From, arrival.DaysAgo, $"G{1000 + Pick("train", index, 900)}", $"{1 + Pick("carriage", index, 16):D2}",
            $"{1 + Pick("seat", index, 17)}{"ABCDF"[Pick("letter", index, 5)]}") : null;

    /// <summary>One of 300 was near a case in the last days; half of these were told to have their health monitored, or to stay at home.</summary>
    public CaseContact? CaseContactOf(int index)
    {
        if (Pick("near a case", index, 300) != 0)
            return null;
        ReadOnlySpan<ContactKind> degrees = [ContactKind.General, ContactKind.General, ContactKind.SameVehicle, ContactKind.TimeSpace, ContactKind.Close];
        var degree = degrees[Pick("how near", index, degrees.Length)];
        var ordered = Pick("ordered", index, 2) == 0;
        return new CaseContact(
            degree, ordered ? degree == ContactKind.Close ? OrderKind.HomeIsolation : OrderKind.Monitoring : null, 3 + Pick("found", index, 12),
            ordered && Pick("released", index, 2) == 0);
    }

    /// <summary>One of 25 who live in the county at the border, as their operator sees it.</summary>
    public MastStay? MastStayOf(int index) =>
        CountyCode(BorderCounty).Contains(HomeOf(HouseholdOf(index))) && Pick("mast", index, 25) == 0 ? AcrossOf(index) : null;

    /// <summary>A short while across the border in the last days, of which the operator is 30 to 49 % sure.</summary>
    public MastStay AcrossOf(int index) =>
        new(1 + Pick("mast day", index, 3), 20 + Pick("mast minutes", index, 160), (byte)(30 + Pick("mast sure", index, 20)));

    private PersonName NameOf(int index, int household)
    {
        var text = Surnames[Pick("surname", household, Surnames.Length)] + Given[Pick("given", index, Given.Length)]
            + (Pick("two", index, 3) > 0 ? Given[Pick("given two", index, Given.Length)] : "");
        return PersonName.TryParse(text, out var name, out _) ? name : throw new InvalidOperationException("a fictional name is not one");
    }

    private static IdentityDocument DocumentOf(int index)
    {
        var scattered = Scatter(index);
        var (rest, day) = Math.DivRem(scattered, BirthDays);
        var (sequence, county) = Math.DivRem(rest, Counties);
        var birth = FirstBirthDay.AddDays((int)day);
        var number = CitizenNumber.Compose(990_101 + (int)county, birth, (int)sequence);
        return IdentityDocument.TryParse(DocumentType.CitizenId, number, birth.AddYears(200), out var document, out _)
            ? document : throw new InvalidOperationException("a fictional number is not valid");
    }

    // The indices lie scattered over all numbers, so that neighbours are not born on neighbouring days. Multiplying by an
    // odd number modulo a power of two can be undone by multiplying with its inverse; 2^24 numbers hold ten million.
    private const long Space = 1L << 24;
    private const long Factor = 6_364_137;

    private static long Scatter(long index) => index * Factor % Space * (1000L * Counties * BirthDays / Space);

    private static long Gather(long scattered)
    {
        const long spacing = 1000L * Counties * BirthDays / Space;
        return scattered % spacing == 0 ? scattered / spacing * Inverse % Space : Space;
    }

    private static readonly long Inverse = InverseOf(Factor);

    private static long InverseOf(long odd)
    {
        var inverse = odd;
        for (var bits = 3; bits < 24; bits *= 2)
            inverse = inverse * ((2 - (odd * inverse % Space) + Space) % Space) % Space;
        return inverse;
    }

    private static PhoneNumber PhoneOf(int index) => PhoneNumber.TryParse($"12{index:D9}", out var phone, out _)
        ? phone : throw new InvalidOperationException("a fictional phone is not valid");

    // Households of one to six, as runs of neighbouring indices: every block of 18 is cut the same few ways.
    private int HouseholdOf(int index)
    {
        ReadOnlySpan<int> sizes = [3, 2, 4, 1, 2, 6];
        var (block, within) = Math.DivRem(index, 18);
        var turn = Pick("household", block, sizes.Length);
        for (var household = 0; ; household++)
        {
            within -= sizes[(household + turn) % sizes.Length];
            if (within < 0)
                return (block * sizes.Length) + household;
        }
    }

    private AreaCode HomeOf(int household) => CommitteeCode(
        Pick("home county", household, Counties), Pick("home township", household, TownshipsPerCounty),
        Pick("home committee", household, CommitteesPerTownship));

    private static AreaCode CountyCode(int county) => new(Prefecture + ((county + 1) * 1_000_000L));

    private static AreaCode TownshipCode(int county, int township) => new(CountyCode(county).Value + ((township + 1) * 1_000L));

    private static AreaCode CommitteeCode(int county, int township, int committee) => new(TownshipCode(county, township).Value + committee + 1);

    private static int DayKey(int index, Day day) => unchecked((index * 40_009) + day.Value);

    /// <summary>A number below <paramref name="below"/> that depends on the seed, the question and who is asked.</summary>
    private int Pick(string question, int who, int below)
    {
        var hash = seed;
        foreach (var c in question)
            hash = Mix(hash ^ c);
        return (int)(Mix(hash ^ (uint)who) % (uint)below);
    }

    /// <summary>SplitMix64's finaliser (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).</summary>
    private static ulong Mix(ulong value)
    {
        unchecked
        {
            value += 0x9e3779b97f4a7c15;
            value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
            value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
            return value ^ (value >> 31);
        }
    }
}

/// <summary>The city as the authority that knows who is who.</summary>
public sealed class CityRegister(City city)
{
    public (bool IdentityMatches, bool PhoneMatches) Check(PersonName name, IdentityDocument document, PhoneNumber phone)
    {
        if (!city.TryFind(document, out var index) || !city.Resident(index).Name.SameAs(name))
            return (false, false);
        return (true, city.Resident(index).Phone.Normalized == phone.Normalized);
    }
}
