using HealthCode.Domain;

namespace HealthCode.Api;

/// <summary>A named cause for which a request is refused: its type on the wire, its HTTP status, what happened, what to do.</summary>
/// <param name="Name">Stable; the problem's <c>type</c> is <c>urn:healthcode:problem:NAME</c>.</param>
public sealed record Refusal(string Name, int Status, Text Title, Text WhatToDo)
{
    public string Type => "urn:healthcode:problem:" + Name;
}

/// <summary>The body of every refusal, <c>application/problem+json</c> (RFC 9457).</summary>
/// <param name="Field">The field that was wrong, as a JSON path, when one was.</param>
/// <param name="RetryAfterSeconds">With 429 and 503: when to come back.</param>
public sealed record Problem(
    string Type, string Title, int Status, Text Message, Text WhatToDo, string? Field = null, string? Detail = null,
    int? RetryAfterSeconds = null, string? TraceId = null);
