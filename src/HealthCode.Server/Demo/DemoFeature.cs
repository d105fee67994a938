using HealthCode.Server.Applications;
using HealthCode.Server.Hosting;
using HealthCode.Server.SignIn;
using HealthCode.Simulation;

namespace HealthCode.Server.Demo;

/// <summary>A synthetic city that lives in this region: nobody in it exists.</summary>
internal static class DemoFeature
{
    public static IServiceCollection AddDemo(this IServiceCollection services, RegionOptions region)
    {
        var city = new City(new CityOptions { Seed = region.DemoSeed, Residents = region.DemoResidents });
        return services
            .AddSingleton(city)
            .AddSingleton<ISmsSender, OnScreenSmsSender>()
            .AddSingleton<IRealNameCheck, CityRealNameCheck>()
            .AddSingleton<DemoSeed>()
            .AddHostedService<DemoLife>();
    }
}
