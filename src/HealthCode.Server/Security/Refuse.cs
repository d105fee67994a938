using System.Diagnostics;
using System.Text.Json;
using HealthCode.Api;
using HealthCode.Storage;
using HealthCode.Domain;
using Microsoft.AspNetCore.Diagnostics;

namespace HealthCode.Server.Security;

/// <summary>A refusal as the answer of an endpoint.</summary>
internal sealed class Refused(
    Refusal refusal, string? field = null, string? detail = null, int? retryAfterSeconds = null, IReadOnlyList<ProblemAt>? problems = null) : IResult
{
    public Refusal Refusal => refusal;

    public string? Field => @field;

    public Task ExecuteAsync(HttpContext httpContext) =>
        httpContext.RefuseAsync(refusal, field, detail, retryAfterSeconds, problems);
}

internal static class Refuse
{
    /// <param name="field">JSON path of the field that was wrong; never its value.</param>
    public static Refused With(Refusal refusal, string? field = null) => new(refusal, field);

    /// <summary>What the serializer could not read. It names the path, and the cause only in words of its own, which a test pins.</summary>
    public static Refused With(JsonException json)
    {
        var message = json.Message;
        var refusal = message.Contains("could not be mapped", StringComparison.Ordinal) ? Refusals.FieldUnknown
            : message.Contains("missing required", StringComparison.Ordinal) || message.Contains("doesn't allow null", StringComparison.Ordinal)
                || message.Contains("disallow null", StringComparison.Ordinal) ? Refusals.FieldMissing
            : json.Path is { Length: > 1 } ? Refusals.FieldInvalid
            : Refusals.BodyMalformed;
        return new(refusal, json.Path is { Length: > 1 } path ? path : null);
    }

    public static Task RefuseAsync(
        this HttpContext http, Refusal refusal, string? field = null, string? detail = null, int? retryAfterSeconds = null,
        IReadOnlyList<ProblemAt>? problems = null)
    {
        Instruments.Refusals.Add(1, new KeyValuePair<string, object?>("refusal", refusal.Name));
        http.Response.StatusCode = refusal.Status;
        if (retryAfterSeconds is { } seconds)
            http.Response.Headers.RetryAfter = seconds.ToString(null as IFormatProvider);
        var problem = new Problem(
            refusal.Type, refusal.Title.En, refusal.Status, refusal.Title, refusal.WhatToDo, field, detail, retryAfterSeconds,
            Activity.Current?.TraceId.ToString(), problems);
        return http.Response.WriteAsJsonAsync(
            problem, ApiJson.Wire.Problem, "application/problem+json; charset=utf-8", http.RequestAborted);
    }

    /// <summary>Answers what no endpoint answered: broken bodies, a journal that is away, our own failures.</summary>
    public static Task OnFailureAsync(HttpContext http)
    {
        var failure = http.Features.Get<IExceptionHandlerFeature>()?.Error;
        return failure switch
        {
            BadHttpRequestException { InnerException: JsonException json } => With(json).ExecuteAsync(http),
            BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => http.RefuseAsync(Refusals.BodyTooLarge),
            BadHttpRequestException => http.RefuseAsync(Refusals.BodyMalformed),
            // The partition has some seconds of work before it, and says so before it takes more.
            _ when Outage.IsBusy(failure) => http.RefuseAsync(Refusals.Overloaded, retryAfterSeconds: 2),
            _ when Outage.Is(failure) => http.RefuseAsync(Refusals.JournalUnavailable, retryAfterSeconds: 2),
            _ => http.RefuseAsync(Refusals.Failed),
        };
    }

    /// <summary>Empty answers of the framework (no such address, not signed in) get their problem too.</summary>
    public static Task OnEmptyAsync(HttpContext http) => http.Response.StatusCode switch
    {
        StatusCodes.Status401Unauthorized => http.RefuseAsync(Refusals.SignInRequired),
        StatusCodes.Status403Forbidden => http.RefuseAsync(Refusals.NotAllowed),
        StatusCodes.Status404NotFound => http.RefuseAsync(Refusals.NotFound),
        StatusCodes.Status415UnsupportedMediaType or StatusCodes.Status400BadRequest => http.RefuseAsync(Refusals.BodyMalformed),
        _ => Task.CompletedTask,
    };
}
