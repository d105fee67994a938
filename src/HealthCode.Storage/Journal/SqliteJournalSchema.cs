using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Data.Sqlite;

namespace HealthCode.Storage;

/// <summary>The tables of a journal in SQLite, and how those of older versions become them.</summary>
internal static class SqliteJournalSchema
{
    /// <summary>Version 1 had positions, and neither segments nor chains. Its number was not yet in the file.</summary>
    private const long Version = 2;

    /// <summary>Makes the tables when they are missing, in one transaction.</summary>
    /// <exception cref="JournalDamagedException">It is of an older version, and not all of it is as it was written. Nothing was changed.</exception>
    /// <exception cref="JournalUnavailableException">A newer version of the program has made it.</exception>
    public static void Prepare(SqliteConnection connection)
    {
        using var transaction = connection.BeginTransaction(deferred: false);
        var version = Number(connection, "PRAGMA user_version");
        if (version > Version)
            throw new JournalUnavailableException($"The journal is of version {version}; this program knows {Version} and older.");
        if (version < Version)
        {
            var old = Number(connection, "SELECT count(*) FROM pragma_table_info('batches') WHERE name = 'position'") > 0;
            if (old)
                Execute(connection, "ALTER TABLE batches RENAME TO batches_1");
            Execute(connection, Tables);
            if (old)
                Migrate(connection);
            Execute(connection, $"PRAGMA user_version={Version}");
        }
        transaction.Commit();
    }

    // The chain stands before the bytes, so that it is read without them.
    private const string Tables = """
        CREATE TABLE batches (
            stream TEXT NOT NULL,
            sequence INTEGER NOT NULL,
            segment INTEGER NOT NULL,
            checksum INTEGER NOT NULL,
            chain BLOB NOT NULL,
            file INTEGER,
            start INTEGER,
            length INTEGER,
            bytes BLOB,
            PRIMARY KEY (stream, sequence));
        CREATE INDEX batches_by_segment ON batches (segment);
        CREATE TABLE files (
            file INTEGER PRIMARY KEY AUTOINCREMENT,
            segment INTEGER NOT NULL);
        """;

    private static void Migrate(SqliteConnection connection)
    {
        using var select = connection.CreateCommand();
        select.CommandText = "SELECT stream, sequence, bytes, checksum FROM batches_1 ORDER BY stream, sequence";
        using var insert = connection.CreateCommand();
        insert.CommandText = "INSERT INTO batches (stream, sequence, segment, checksum, chain, bytes) VALUES ($1, $2, 0, $3, $4, $5)";
        for (var parameter = 1; parameter <= 5; parameter++)
            insert.Parameters.Add(new SqliteParameter { ParameterName = $"${parameter}" });

        using (var rows = select.ExecuteReader())
        {
            var (last, due, chain) = ("", 0L, JournalChain.Start);
            while (rows.Read())
            {
                var (stream, sequence) = (rows.GetString(0), rows.GetInt64(1));
                if (stream != last)
                    (last, due, chain) = (stream, 0, JournalChain.Start);
                if (sequence != due)
                    throw new JournalDamagedException(stream, due, "it is missing");
                if (rows.GetValue(2) is not byte[] bytes || rows.GetValue(3) is not long old || old != OldChecksumOf(stream, sequence, bytes))
                    throw new JournalDamagedException(stream, sequence, "its checksum does not fit");
                var checksum = JournalChain.ChecksumOf(bytes);
                chain = chain.Next(stream, sequence, Segment.Permanent, checksum);
                Set(insert, stream, sequence, checksum, chain.ToBytes(), bytes);
                insert.ExecuteNonQuery();
                due++;
            }
        }
        Execute(connection, "DROP TABLE batches_1");
    }

    /// <summary>Of version 1: over the key and the bytes.</summary>
    private static long OldChecksumOf(string stream, long sequence, ReadOnlySpan<byte> bytes)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{stream}\n{sequence}\n"));
        hash.AppendData(bytes);
        return BinaryPrimitives.ReadInt64BigEndian(hash.GetHashAndReset());
    }

    private static void Set(SqliteCommand command, params object[] values)
    {
        for (var index = 0; index < values.Length; index++)
            command.Parameters[index].Value = values[index];
    }

    private static long Number(SqliteConnection connection, string sql) => (long)Sqlite.Command(connection, sql).ExecuteScalar()!;

    private static void Execute(SqliteConnection connection, string sql) => Sqlite.Execute(connection, sql);
}
