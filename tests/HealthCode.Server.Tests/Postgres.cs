using HealthCode.Testing;

[assembly: AssemblyFixture(typeof(PostgresFixture))]
