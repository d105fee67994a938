using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace HealthCode.Web;

public static class WebFeature
{
    public static IServiceCollection AddWeb(this IServiceCollection services) => services;

    public static void MapWeb(this IEndpointRouteBuilder routes)
    {
    }
}
