using System.CommandLine;
using HealthCode.Domain;
using HealthCode.Storage;
using HealthCode.Tokens;

namespace HealthCode.Cli;

/// <summary><c>healthcode explain PERSON</c>: the decision made again from the journal, with every rule considered.</summary>
internal static class ExplainCommand
{
    public static Command Create()
    {
        var person = new Argument<string>("PERSON")
        {
            Description = "A document number (citizen number unless --type says otherwise) or a 32-digit person id; - reads it from standard input",
        };
        var type = new Option<DocumentType>("--type") { Description = "Type of the document", DefaultValueFactory = _ => DocumentType.CitizenId };
        var at = new Option<DateTimeOffset?>("--at") { Description = "The moment to decide at, ISO 8601; now when absent" };
        var command = new Command("explain", "Replay one person's decision from the journal, with every rule considered") { person, type, at };
        command.SetAction((parsed, cancellation) => RunAsync(
            Commands.PathsOf(parsed), parsed.GetValue(person)!, parsed.GetValue(type),
            parsed.GetValue(at) ?? TimeProvider.System.GetUtcNow(), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(
        RegionPaths paths, string text, DocumentType type, DateTimeOffset at, CancellationToken cancellation)
    {
        if (text == "-")
            text = (await Console.In.ReadLineAsync(cancellation))?.Trim() ?? "";
        await using var stores = paths.StoresForReading();
        if (!await stores.ExistsAsync(cancellation))
            return Fail($"There is no journal in {paths.Where}. {Commands.StartOrName}");
        if (await stores.SettingAsync(RegionStore.Partitions, cancellation) is { } partitions && partitions != $"{paths.Partitions}")
            return Fail($"The region in {paths.Where} was created with --partitions {partitions}; say so here too.");
        if (PersonOf(paths, text, type, at) is not { } person)
            return Fail("This is neither a document number of that type nor a person id.");

        var now = Minute.Of(at);
        var journal = stores.Journal;
        var record = new PersonRecord(person);
        await foreach (var batch in paths.EvidenceOf(stores).ReadAsync(JournalStreams.Of(person, paths.Partitions), 0, cancellation))
        {
            // As it was known then: what came later is not part of that decision.
            foreach (var evidence in batch.Facts.Where(fact => fact.Person == person && fact.Received <= now))
                record.Fold(evidence);
        }
        if (record.All.Count == 0)
            return Fail("Nothing is known of this person here at that moment.");
        var (risks, _) = await AreaRiskJournal.LoadAsync(journal, cancellation);
        var areas = risks.AsKnownAt(now);
        // By the edition that was in force then, whatever has superseded it.
        var (history, _) = await PlanHistory.LoadAsync(journal, now, cancellation);
        if (history.IsEmpty)
            return Fail("No edition was ever in force here. Start the region once.");
        Print(history.Explain(record, areas, now), record);
        return 0;
    }

    private static PersonId? PersonOf(RegionPaths paths, string text, DocumentType type, DateTimeOffset at)
    {
        if (PersonId.TryParse(text, out var person))
            return person;
        return IdentityDocument.TryParse(type, text, Day.Of(Minute.Of(at)).ToDateOnly(), out var document, out _)
            ? document.PersonIn(paths.Keys().Secret("person-id"))
            : null;
    }

    private static void Print(Explanation explanation, PersonRecord record)
    {
        Console.WriteLine($"person    {explanation.Person}");
        Console.WriteLine($"at        {explanation.At}");
        Console.WriteLine($"edition   {explanation.Edition.Id}  {explanation.Edition.Title.En}");
        Console.WriteLine($"colour    {explanation.Decision.Colour}   next change by itself: {explanation.Decision.NextChange}");
        Console.WriteLine();
        foreach (var finding in explanation.Rules)
            Print(finding, explanation.At);
        Console.WriteLine();
        Console.WriteLine($"evidence  {record.All.Count}");
        foreach (var evidence in record.All)
            Console.WriteLine($"  {evidence.Happened}  {evidence.Id}  {evidence.Kind,-11} {evidence.Source}{(record.IsWithdrawn(evidence.Id) ? "  WITHDRAWN" : "")}");
    }

    private static void Print(RuleFinding finding, Minute now)
    {
        var rule = finding.Rule;
        Console.WriteLine($"{(finding.Holds ? "HOLDS" : finding.Asked is null ? "  -  " : "ASKS ")} {rule.Number,-4} {rule.Colour,-6} {rule.Title.En}");
        foreach (var condition in rule.Holds)
            Console.WriteLine($"           held by  {PlanText.Of(condition).En}");
        if (finding.Since.Value > 0)
            Console.WriteLine($"           since    {finding.Since}, until {finding.Until}{EvidenceOf(finding)}");
        foreach (var ending in finding.Endings)
            Console.WriteLine($"           ends by  {PlanText.Of(ending).En}");
        if (finding.EarliestEnd(now) is { } day)
            Console.WriteLine($"           earliest {day}");
        if (finding.Asked is { } asked)
            Console.WriteLine($"           asks about stay {asked.Id}, {asked.Confidence} % sure ({asked.Source})");
    }

    private static string EvidenceOf(RuleFinding finding) => finding.Evidence is { } evidence
        ? $", by {Spelling.Of(evidence.Kind)} {evidence.Id} ({evidence.Source})" : "";

    private static int Fail(string message)
    {
        Console.Error.WriteLine(message);
        return 2;
    }
}
