using HealthCode.Tokens;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace HealthCode.Server.Hosting;

/// <summary>Whether the key folder could be read when last looked at. The keys at hand go on meanwhile, so it is degraded and no worse.</summary>
internal sealed class KeyFolderHealth(KeyRing keys) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(keys.ReloadFailure is { } failure
            ? HealthCheckResult.Degraded("The key folder could not be read again.", failure)
            : HealthCheckResult.Healthy());
}
