using HealthCode.Domain;
using Microsoft.AspNetCore.Identity.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;
using Microsoft.EntityFrameworkCore.Storage.ValueConversion;

namespace HealthCode.Storage;

/// <summary>The relational half of a region: profiles, places, cases' files, staff. What it decides leaves it as evidence.</summary>
public class BackOfficeContext : IdentityDbContext<StaffUser>
{
    public BackOfficeContext(DbContextOptions<BackOfficeContext> options) : base(options)
    {
    }

    private protected BackOfficeContext(DbContextOptions options) : base(options)
    {
    }

    public DbSet<VaultProfile> Profiles => Set<VaultProfile>();
    public DbSet<Place> Places => Set<Place>();
    public DbSet<FreeArea> FreeAreas => Set<FreeArea>();
    public DbSet<PlaceGuard> PlaceGuards => Set<PlaceGuard>();
    public DbSet<PhoneChange> PhoneChanges => Set<PhoneChange>();
    public DbSet<LookUp> LookUps => Set<LookUp>();
    public DbSet<CaseFile> CaseFiles => Set<CaseFile>();
    public DbSet<Consent> Consents => Set<Consent>();
    public DbSet<RegionSetting> RegionSettings => Set<RegionSetting>();
    public DbSet<ViewRevision> Revisions => Set<ViewRevision>();
    public DbSet<ReaderPosition> ReaderPositions => Set<ReaderPosition>();
    public DbSet<DailyCount> DailyCounts => Set<DailyCount>();
    public DbSet<PlanDraft> PlanDrafts => Set<PlanDraft>();
    public DbSet<PlanDraftVersion> PlanDraftVersions => Set<PlanDraftVersion>();

    public async Task<long> RevisionAsync(string name, CancellationToken cancellation) =>
        (await Revisions.AsNoTracking().SingleAsync(row => row.Name == name, cancellation).ConfigureAwait(false)).Value;

    /// <summary>
    /// Saves what was added together with the next revision of what it is part of. Whoever reads the revision and then
    /// the rows has at least the changes up to it.
    /// </summary>
    public async Task SaveAndRaiseAsync(string name, CancellationToken cancellation)
    {
        await using var transaction = await Database.BeginTransactionAsync(cancellation).ConfigureAwait(false);
        // The row is held until the end, so revisions become visible in their order.
        await Revisions.Where(row => row.Name == name)
            .ExecuteUpdateAsync(row => row.SetProperty(known => known.Value, known => known.Value + 1), cancellation).ConfigureAwait(false);
        await SaveChangesAsync(cancellation).ConfigureAwait(false);
        await transaction.CommitAsync(cancellation).ConfigureAwait(false);
    }

    protected override void OnModelCreating(ModelBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        base.OnModelCreating(builder);
        builder.Entity<VaultProfile>(profile =>
        {
            profile.HasKey(row => row.Person);
            profile.HasIndex(row => row.PhoneIndex).IsUnique();
        });
        builder.Entity<Place>().Property(row => row.Id).HasMaxLength(40);
        builder.Entity<FreeArea>(area =>
        {
            area.HasKey(row => row.Code);
            area.Property(row => row.Code).ValueGeneratedNever();
            area.Property(row => row.NameZh).HasMaxLength(60);
            area.Property(row => row.NameEn).HasMaxLength(60);
        });
        builder.Entity<PlaceGuard>().HasKey(row => new { row.PlaceId, row.UserName });
        builder.Entity<PhoneChange>().HasIndex(row => new { row.State, row.AskedAt });
        builder.Entity<LookUp>().HasIndex(row => new { row.Person, row.At });
        builder.Entity<CaseFile>().HasIndex(row => row.RecordedAt);
        builder.Entity<CaseFile>().HasIndex(row => new { row.Person, row.EvidenceId }).IsUnique();
        builder.Entity<Consent>().HasIndex(row => row.Person);
        builder.Entity<RegionSetting>().HasKey(row => row.Key);
        builder.Entity<ViewRevision>(revision =>
        {
            revision.HasKey(row => row.Name);
            revision.HasData(new ViewRevision { Name = ViewRevision.FreeAreas }, new ViewRevision { Name = ViewRevision.Places });
        });
        builder.Entity<ReaderPosition>().HasKey(row => new { row.Reader, row.Stream });
        builder.Entity<DailyCount>().HasKey(row => new { row.Day, row.Kind, row.Source });
        builder.Entity<PlanDraft>().Property(row => row.Version).IsConcurrencyToken();
        builder.Entity<PlanDraftVersion>().HasKey(row => new { row.DraftId, row.Version });
    }

    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder)
    {
        ArgumentNullException.ThrowIfNull(configurationBuilder);
        configurationBuilder.Properties<PersonId>().HaveConversion<PersonIdConverter>();
        configurationBuilder.Properties<EvidenceId>().HaveConversion<EvidenceIdConverter>();
        // SQLite has no type for moments, and PostgreSQL's is coarser; UTC ticks keep their order, and are exact.
        configurationBuilder.Properties<DateTimeOffset>().HaveConversion<MomentConverter>();
    }

    private sealed class PersonIdConverter() : ValueConverter<PersonId, byte[]>(person => ToBytes(person), bytes => PersonId.FromBytes(bytes))
    {
        private static byte[] ToBytes(PersonId person)
        {
            var bytes = new byte[PersonId.Size];
            person.WriteTo(bytes);
            return bytes;
        }
    }

    private sealed class EvidenceIdConverter() : ValueConverter<EvidenceId, long>(id => (long)id.Value, value => new EvidenceId((ulong)value));

    private sealed class MomentConverter() : ValueConverter<DateTimeOffset, long>(
        moment => moment.UtcTicks, ticks => new DateTimeOffset(ticks, TimeSpan.Zero));
}

/// <summary>The same tables on PostgreSQL. A class of its own because a set of migrations belongs to a class.</summary>
public sealed class PostgresBackOfficeContext(DbContextOptions<PostgresBackOfficeContext> options) : BackOfficeContext(options);

/// <summary>How the migration tool makes a context.</summary>
internal sealed class BackOfficeDesign : IDesignTimeDbContextFactory<BackOfficeContext>
{
    public BackOfficeContext CreateDbContext(string[] args) =>
        new(new DbContextOptionsBuilder<BackOfficeContext>().UseSqlite("Data Source=design.db").Options);
}

/// <summary>The same for PostgreSQL. Nothing is connected to: a migration is made from the model.</summary>
internal sealed class PostgresBackOfficeDesign : IDesignTimeDbContextFactory<PostgresBackOfficeContext>
{
    public PostgresBackOfficeContext CreateDbContext(string[] args) =>
        new(new DbContextOptionsBuilder<PostgresBackOfficeContext>().UseNpgsql("Host=localhost;Database=design").Options);
}
