using System.Text.Json;
using System.Text.Json.Serialization;

namespace HealthCode.Api;

/// <summary>Text, without the character U+0000: PostgreSQL keeps none in a text, and nobody writes one.</summary>
public sealed class TextConverter : JsonConverter<string>
{
    /// <exception cref="JsonException">It is no text, or holds a U+0000. The serializer adds where.</exception>
    public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.String || reader.GetString() is not { } text || text.Contains('\0', StringComparison.Ordinal))
            throw new JsonException();
        return text;
    }

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStringValue(value);
    }
}
