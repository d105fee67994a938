using CsCheck;
using HealthCode.Domain;

namespace HealthCode.Simulation.Tests;

/// <summary>The city is the same from the same seed, and everybody in it could exist but does not.</summary>
public sealed class CityTests
{
    private static readonly City Small = new(new CityOptions { Seed = 7, Residents = 2_000 });
    private static readonly City Large = new(new CityOptions { Seed = 7, Residents = City.ResidentsMax });
    private static readonly Gen<int> Anybody = Gen.Int[0, City.ResidentsMax - 1];

    [Fact]
    public void The_same_seed_is_the_same_city_and_another_is_another()
    {
        var again = new City(new CityOptions { Seed = 7, Residents = 2_000 });
        var other = new City(new CityOptions { Seed = 8, Residents = 2_000 });
        Assert.All(Enumerable.Range(0, 200), index => Assert.Equal(Small.Resident(index), again.Resident(index)));
        Assert.Contains(Enumerable.Range(0, 200), index => Small.Resident(index).Name.Full != other.Resident(index).Name.Full);
    }

    [Fact]
    public void Any_of_ten_million_is_found_again_by_their_number() => Anybody.Sample(index =>
    {
        var resident = Large.Resident(index);
        Assert.True(Large.TryFind(resident.Document, out var found));
        Assert.Equal(index, found);
        Assert.StartsWith("9901", resident.Document.Normalized, StringComparison.Ordinal);
    });

    [Fact]
    public void A_number_that_nobody_has_is_not_found()
    {
        var beyond = Large.Resident(5_000_000).Document;
        Assert.False(Small.TryFind(beyond, out _));
        Assert.True(IdentityDocument.TryParse(DocumentType.CitizenId, "11010519491231002X", new DateOnly(2026, 1, 1), out var real, out _));
        Assert.False(Large.TryFind(real, out _));
    }

    [Fact]
    public void Numbers_and_phones_are_all_different()
    {
        var numbers = new HashSet<string>();
        var phones = new HashSet<string>();
        for (var index = 0; index < 50_000; index++)
        {
            var resident = Large.Resident(index * 200);
            Assert.True(numbers.Add(resident.Document.Normalized));
            Assert.True(phones.Add(resident.Phone.Normalized));
        }
    }

    [Fact]
    public void A_household_has_one_home_one_surname_and_at_most_six_members()
    {
        var households = Enumerable.Range(0, 2_000).Select(Small.Resident).GroupBy(resident => resident.Household).ToList();
        Assert.All(households, household =>
        {
            Assert.InRange(household.Count(), 1, 6);
            Assert.Single(household.Select(resident => (resident.Home, resident.Address)).Distinct());
        });
        Assert.True(households.Count > 500);
    }

    [Fact]
    public void A_day_has_neither_gap_nor_overlap() => Gen.Select(Anybody, Gen.Int[2_000, 3_000]).Sample((index, number) =>
    {
        var day = new Day(number);
        var last = day.Start;
        foreach (var movement in Large.Movements(index, day))
        {
            Assert.Equal(last, movement.From);
            Assert.True(movement.Until > movement.From);
            last = movement.Until;
        }
        Assert.Equal(day.Plus(1).Start, last);
    });

    [Fact]
    public void Everybody_lives_and_every_venue_lies_in_a_division_of_the_city()
    {
        var divisions = Divisions.BuiltIn.With(City.Divisions);
        Assert.All(Enumerable.Range(0, 500), index => Assert.True(divisions.Exists(Small.Resident(index).Home)));
        Assert.All(Enumerable.Range(0, Small.VenueCount), index => Assert.True(divisions.Exists(Small.Venue(index).Area)));
        Assert.All(
            Enumerable.Range(0, 2_000).Select(Small.ArrivalOf).Where(arrival => arrival is not null),
            arrival => Assert.True(Divisions.BuiltIn.Exists(arrival!.Value.From)));
        Assert.DoesNotContain(Divisions.BuiltIn.Children(default), division => division.Code.ToString().StartsWith("99", StringComparison.Ordinal));
    }

    [Fact]
    public void A_few_are_tested_found_near_a_case_or_seen_by_a_mast_across_the_border()
    {
        var city = new City(new CityOptions { Seed = 7, Residents = 20_000 });
        var everybody = Enumerable.Range(0, 20_000).ToList();
        var day = new Day(2_500);
        Assert.InRange(everybody.Count(index => city.SampledOn(index, day) is not null), 400, 800);
        Assert.All(everybody, index => Assert.True(city.SampledOn(index, day) is not { } at || Day.Of(at) == day));
        Assert.InRange(everybody.Count(index => city.DosesDaysAgo(index).Count > 0), 11_000, 13_000);
        Assert.InRange(everybody.Count(index => city.CaseContactOf(index) is not null), 30, 110);
        var seen = everybody.Where(index => city.MastStayOf(index) is not null).ToList();
        Assert.InRange(seen.Count, 40, 200);
        Assert.All(seen, index =>
        {
            Assert.Equal("990107", city.Resident(index).Home.ToString()[..6]);
            Assert.InRange(city.MastStayOf(index)!.Value.Confidence, 30, 49);
        });
        Assert.All(everybody, index =>
        {
            var doses = city.DosesDaysAgo(index);
            Assert.Equal(doses.OrderDescending(), doses);
            Assert.Equal(city.ArrivalOf(index)?.From, city.RideOf(index)?.From);
        });
        Assert.True(Divisions.BuiltIn.With(City.Divisions).Exists(City.AcrossTheBorder));
    }

    [Fact]
    public void The_register_knows_name_number_and_phone_only_together()
    {
        var (one, two, register) = (Small.Resident(1), Small.Resident(500), new CityRegister(Small));
        Assert.Equal((true, true), register.Check(one.Name, one.Document, one.Phone));
        Assert.Equal((true, false), register.Check(one.Name, one.Document, two.Phone));
        Assert.Equal((false, false), register.Check(two.Name, one.Document, one.Phone));
    }
}
