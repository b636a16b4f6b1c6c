using System.Text.Json;
using MlNetIcl.Probes;

namespace MlNetIcl.Reports.Files;

/// <summary>The sequences behind a result, as JSON.</summary>
internal static class ProtocolJson
{
    /// <summary>Writes an object.</summary>
    public static void Protocol(this Utf8JsonWriter json, string name, SequenceProtocol protocol)
    {
        json.WriteStartObject(name);
        WriteProperties(json, protocol);
        json.WriteEndObject();
    }

    /// <summary>Writes into an object that is open.</summary>
    public static void WriteProperties(Utf8JsonWriter json, SequenceProtocol protocol)
    {
        json.Name("source", protocol.Source);
        json.WriteNumber("sequences", protocol.Sequences);
        json.Whole("period", protocol.Period);
        json.Whole("repeats", protocol.Repeats);
        json.WriteNumber("seed", protocol.Seed);
        json.Whole("bos", protocol.BosTokenId);
        json.WriteString("bos_source", protocol.BosSource);
    }
}
