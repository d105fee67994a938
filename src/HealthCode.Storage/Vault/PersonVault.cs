using HealthCode.Domain;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace HealthCode.Storage;

/// <summary>The personal profiles. A phone belongs to one person, and a person has one phone.</summary>
public sealed class PersonVault(IDbContextFactory<BackOfficeContext> backOffice, PersonKeyring keys, byte[] masterKey)
{
    /// <summary>How often a profile is put that meets others on its way; each time one of them is through.</summary>
    private const int AttemptsMax = 20;

    private readonly ProfileCipher cipher = new(masterKey);

    /// <returns>Null for a person who is not here, or whose key was destroyed.</returns>
    public async Task<PersonProfile?> GetAsync(PersonId person, CancellationToken cancellation)
    {
        await using var context = await backOffice.CreateDbContextAsync(cancellation).ConfigureAwait(false);
        var row = await context.Profiles.AsNoTracking().FirstOrDefaultAsync(row => row.Person == person, cancellation).ConfigureAwait(false);
        // Between a key's destruction and the removal of the row there is a moment.
        if (row?.WrappedKey is null || await keys.IsDestroyedAsync(person, cancellation).ConfigureAwait(false))
            return null;
        return cipher.Open(person, await keys.FindAsync(person, cancellation).ConfigureAwait(false), row.WrappedKey, row.Sealed);
    }

    /// <summary>Keeps a profile in the place of the person's old one. Whoever had the phone before loses it.</summary>
    public async Task PutAsync(PersonId person, PersonProfile profile, CancellationToken cancellation) =>
        await PutManyAsync([(person, profile)], cancellation).ConfigureAwait(false);

    public async Task PutManyAsync(IReadOnlyCollection<(PersonId Person, PersonProfile Profile)> profiles, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(profiles);
        // In one order, so that two who put some of the same do not wait for each other.
        var ordered = profiles.OrderBy(profile => profile.Person.High).ThenBy(profile => profile.Person.Low).ToList();
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await PutAtOnceAsync(ordered, cancellation).ConfigureAwait(false);
                return;
            }
            catch (Exception failure) when (attempt < AttemptsMax && IsRace(failure))
            {
                // Somebody took the same phone, or put the same person, in this very moment: now it is known who has it.
            }
        }
    }

    private static bool IsRace(Exception failure) => (failure as PostgresException ?? failure.InnerException as PostgresException)?.SqlState
        is PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure;

    private async Task PutAtOnceAsync(IReadOnlyList<(PersonId Person, PersonProfile Profile)> profiles, CancellationToken cancellation)
    {
        var personKeys = await keys.EnsureAsync(profiles.Select(put => put.Person), cancellation).ConfigureAwait(false);
        await using var context = await backOffice.CreateDbContextAsync(cancellation).ConfigureAwait(false);
        await using var transaction = await context.Database.BeginTransactionAsync(cancellation).ConfigureAwait(false);
        foreach (var (person, profile) in profiles)
        {
            var index = cipher.IndexOf(profile.Phone);
            await context.Profiles.Where(row => row.PhoneIndex == index && row.Person != person)
                .ExecuteUpdateAsync(row => row.SetProperty(old => old.PhoneIndex, (byte[]?)null), cancellation).ConfigureAwait(false);
            var (wrapped, sealed_) = ProfileCipher.Seal(person, personKeys[person], profile);
            if (await context.Profiles.FindAsync([person], cancellation).ConfigureAwait(false) is { } row)
                (row.WrappedKey, row.Sealed, row.PhoneIndex, row.BirthDecade) = (wrapped, sealed_, index, profile.BirthDecade);
            else
                context.Profiles.Add(new VaultProfile
                {
                    Person = person, WrappedKey = wrapped, Sealed = sealed_, PhoneIndex = index, BirthDecade = profile.BirthDecade,
                });
        }
        await context.SaveChangesAsync(cancellation).ConfigureAwait(false);
        await transaction.CommitAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>In which decade people were born, as far as their documents say. Reads no profile.</summary>
    public static async Task<IReadOnlyDictionary<PersonId, short>> BirthDecadesAsync(
        IDbContextFactory<BackOfficeContext> backOffice, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(backOffice);
        var decades = new Dictionary<PersonId, short>();
        await using var context = await backOffice.CreateDbContextAsync(cancellation).ConfigureAwait(false);
        var rows = context.Profiles.AsNoTracking().Where(row => row.BirthDecade != null).Select(row => new { row.Person, row.BirthDecade });
        await foreach (var row in rows.AsAsyncEnumerable().WithCancellation(cancellation).ConfigureAwait(false))
            decades[row.Person] = row.BirthDecade!.Value;
        return decades;
    }

    /// <param name="phone">11 digits, normalised.</param>
    public async Task<PersonId?> FindByPhoneAsync(string phone, CancellationToken cancellation)
    {
        var index = cipher.IndexOf(phone);
        await using var context = await backOffice.CreateDbContextAsync(cancellation).ConfigureAwait(false);
        var row = await context.Profiles.AsNoTracking().FirstOrDefaultAsync(row => row.PhoneIndex == index, cancellation).ConfigureAwait(false);
        return row?.WrappedKey is null ? null : row.Person;
    }

    /// <summary>
    /// Removes the person's profile. That makes them unreadable here; to destroy their key, which makes them so in every
    /// copy, is their partition's affair.
    /// </summary>
    public async Task DeleteAsync(PersonId person, CancellationToken cancellation)
    {
        await using var context = await backOffice.CreateDbContextAsync(cancellation).ConfigureAwait(false);
        await context.Profiles.Where(row => row.Person == person).ExecuteDeleteAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>Encrypts a profile that is not yet the person's own (a request); <see cref="OpenAsync"/> reads it.</summary>
    public async Task<byte[]> SealAsync(PersonId person, PersonProfile profile, CancellationToken cancellation)
    {
        var key = (await keys.EnsureAsync([person], cancellation).ConfigureAwait(false))[person];
        var (wrapped, sealed_) = ProfileCipher.Seal(person, key, profile);
        return [(byte)wrapped.Length, .. wrapped, .. sealed_];
    }

    /// <exception cref="VaultLockedException">The person's key was destroyed, or is another region's.</exception>
    public async Task<PersonProfile> OpenAsync(PersonId person, byte[] payload, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(payload);
        var key = await keys.FindAsync(person, cancellation).ConfigureAwait(false);
        return cipher.Open(person, key, payload[1..(1 + payload[0])], payload[(1 + payload[0])..]);
    }
}
