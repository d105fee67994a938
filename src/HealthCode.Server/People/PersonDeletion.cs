using HealthCode.Domain;
using HealthCode.Storage;
using Microsoft.EntityFrameworkCore;

namespace HealthCode.Server.People;

/// <summary>Deletes a person who asks for it: their key, and with it all evidence in every copy; then what the back office has of them.</summary>
/// <remarks>
/// Nobody escapes an isolation by it: while a rule above green holds, or a stay is asked about, it is refused. The partition
/// decides that and destroys the key in one turn, so nothing can come in between. The rows follow; when that is cut
/// off they are unreadable already, and whoever asks again removes them.
/// </remarks>
internal sealed class PersonDeletion(PeopleDirectory people, IDbContextFactory<BackOfficeContext> backOffice)
{
    /// <returns>False when it is refused. A person who is not here is deleted already.</returns>
    public async Task<bool> TryAsync(PersonId person, CancellationToken cancellation)
    {
        if (!await people.TryDeleteAsync(person))
            return false;
        await using var context = await backOffice.CreateDbContextAsync(cancellation);
        await context.Database.OpenConnectionAsync(cancellation);
        // Otherwise what stood in the clear would lie on in pages that are free, and in the log.
        if (context.Database.IsSqlite())
            await context.Database.ExecuteSqlRawAsync("PRAGMA secure_delete=ON", cancellation);
        await RemoveRowsAsync(context, person, cancellation);
        if (context.Database.IsSqlite())
            await context.Database.ExecuteSqlRawAsync("PRAGMA wal_checkpoint(TRUNCATE)", cancellation);
        people.Forget(person);
        return true;
    }

    private static async Task RemoveRowsAsync(BackOfficeContext context, PersonId person, CancellationToken cancellation)
    {
        await using var transaction = await context.Database.BeginTransactionAsync(cancellation);
        await context.Consents.Where(row => row.Person == person).ExecuteDeleteAsync(cancellation);
        await context.LookUps.Where(row => row.Person == person).ExecuteDeleteAsync(cancellation);
        await context.PhoneChanges.Where(row => row.Person == person).ExecuteDeleteAsync(cancellation);
        await context.CaseFiles.Where(row => row.Person == person).ExecuteDeleteAsync(cancellation);
        await context.Profiles.Where(row => row.Person == person).ExecuteDeleteAsync(cancellation);
        await transaction.CommitAsync(cancellation);
    }
}
