using System.Diagnostics;
using OpenTelemetry;

namespace HealthCode.Server.Operating;

/// <summary>Takes out of a trace what libraries put in of their own accord and what may tell of whom a request was.</summary>
/// <remarks>
/// A path may hold the id of a fact, of a draft or of a place; the route says the same without. The address of a phone and its
/// browser narrow a person down, and a grain's id is the partition's number, which is told by itself. Messages of exceptions may
/// repeat what was sent. What is left is a list, so that a library's next version adds nothing unseen.
/// </remarks>
internal sealed class NothingPersonal : BaseProcessor<Activity>
{
    private static readonly HashSet<string> Kept = new(StringComparer.Ordinal)
    {
        "http.request.method", "http.response.status_code", "http.route", "network.protocol.version", "url.scheme", "error.type",
        "rpc.system", "rpc.service", "rpc.method", "status", "partition", "facts",
    };

    public override void OnEnd(Activity data)
    {
        foreach (var (tag, _) in data.TagObjects.ToList())
        {
            if (!Kept.Contains(tag))
                data.SetTag(tag, null);
        }
        if (data.StatusDescription is not null)
            data.SetStatus(data.Status, null);
    }
}
