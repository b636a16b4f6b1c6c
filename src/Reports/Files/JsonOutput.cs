using System.Text;
using System.Text.Json;
using MlNetIcl.Probes;

namespace MlNetIcl.Reports.Files;

/// <summary>How results become JSON: one indented object in ASCII, ending in a line feed, with <c>null</c> for what was not measured or is no finite number.</summary>
internal static class JsonOutput
{
    /// <summary>Writes one object; <paramref name="output"/> stays open.</summary>
    public static void WriteObject(Stream output, Action<Utf8JsonWriter> properties)
    {
        ArgumentNullException.ThrowIfNull(output);
        using (var json = new Utf8JsonWriter(output, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            properties(json);
            json.WriteEndObject();
        }
        output.WriteByte((byte)'\n');
    }

    /// <summary>What is written to a stream, as text.</summary>
    public static string ToText(Action<Stream> write)
    {
        using var buffer = new MemoryStream();
        write(buffer);
        return Encoding.ASCII.GetString(buffer.GetBuffer().AsSpan(0, (int)buffer.Length));
    }

    public static void Number(this Utf8JsonWriter json, string name, double? value)
    {
        if (value is { } number && double.IsFinite(number)) json.WriteNumber(name, number);
        else json.WriteNull(name);
    }

    public static void Whole(this Utf8JsonWriter json, string name, int? value)
    {
        if (value is { } number) json.WriteNumber(name, number);
        else json.WriteNull(name);
    }

    /// <summary>Writes the value of an enumeration, as <c>previous_token</c>.</summary>
    public static void Name<T>(this Utf8JsonWriter json, string name, T value)
        where T : struct, Enum => json.WriteString(name, NameOf(value));

    /// <summary>A value of an enumeration as JSON says it.</summary>
    public static string NameOf<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());

    /// <summary>Writes a property: an array of what <paramref name="write"/> writes for each value.</summary>
    public static void Array<T>(this Utf8JsonWriter json, string name, IEnumerable<T> values, Action<T> write)
    {
        json.WriteStartArray(name);
        foreach (var value in values) write(value);
        json.WriteEndArray();
    }

    /// <summary>Writes a property: an array.</summary>
    public static void Numbers(this Utf8JsonWriter json, string name, IEnumerable<double> values)
    {
        json.WritePropertyName(name);
        json.Numbers(values);
    }

    /// <summary>Writes an array.</summary>
    public static void Numbers(this Utf8JsonWriter json, IEnumerable<double> values)
    {
        json.WriteStartArray();
        foreach (double value in values)
            if (double.IsFinite(value)) json.WriteNumberValue(value);
            else json.WriteNullValue();
        json.WriteEndArray();
    }

    /// <summary>Writes both ends, <c>low</c> and <c>high</c>.</summary>
    public static void Interval(this Utf8JsonWriter json, Interval? interval)
    {
        json.Number("low", interval?.Low);
        json.Number("high", interval?.High);
    }
}
