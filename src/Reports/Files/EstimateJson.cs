using System.Text.Json;
using MlNetIcl.Probes;

namespace MlNetIcl.Reports.Files;

/// <summary>A mean with its interval, as JSON.</summary>
internal static class EstimateJson
{
    /// <summary>Writes a property: an object with <c>value</c>, <c>low</c> and <c>high</c>, or <c>null</c>.</summary>
    public static void Estimate(this Utf8JsonWriter json, string name, Estimate? estimate)
    {
        json.WritePropertyName(name);
        if (estimate is { } known) json.EstimateObject(known);
        else json.WriteNullValue();
    }

    /// <summary>Writes the object.</summary>
    public static void EstimateObject(this Utf8JsonWriter json, Estimate estimate)
    {
        json.WriteStartObject();
        json.Number("value", estimate.Value);
        json.Interval(estimate.Interval);
        json.WriteEndObject();
    }
}
