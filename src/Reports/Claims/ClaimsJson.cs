using System.Text.Json;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Files;

namespace MlNetIcl.Reports.Claims;

/// <summary>The ledger of claims as JSON. What was not measured is <c>null</c>.</summary>
public static class ClaimsJson
{
    /// <summary>Writes one object: <c>quick</c>, <c>seed</c>, <c>claims</c>.</summary>
    /// <param name="results">What came of the claims.</param>
    /// <param name="options">The ledger's settings.</param>
    /// <param name="output">Gets UTF-8 (all of it ASCII), ending in a line feed; stays open.</param>
    /// <param name="timings">Whether <c>seconds</c> are written, which differ from run to run.</param>
    public static void Write(IReadOnlyList<ClaimResult> results, ClaimsOptions options, Stream output, bool timings = false)
    {
        ArgumentNullException.ThrowIfNull(results);
        ArgumentNullException.ThrowIfNull(options);
        JsonOutput.WriteObject(output, json =>
        {
            json.WriteBoolean("quick", options.Quick);
            json.WriteNumber("seed", options.Seed);
            json.WriteString("model", options.ModelPath);
            json.WriteStartArray("claims");
            foreach (var result in results) WriteClaim(json, result, options, timings);
            json.WriteEndArray();
        });
    }

    /// <summary>The same as text.</summary>
    public static string ToText(IReadOnlyList<ClaimResult> results, ClaimsOptions options) => JsonOutput.ToText(stream => Write(results, options, stream));

    private static void WriteClaim(Utf8JsonWriter json, ClaimResult result, ClaimsOptions options, bool timings)
    {
        json.WriteStartObject();
        json.WriteNumber("number", result.Claim.Number);
        json.WriteString("claim", result.Claim.Text);
        json.WriteString("source", result.Claim.Source);
        json.WriteString("command", ClaimWords.Command(result.Claim, options));
        json.WriteString("verdict", ClaimWords.Verdict(result));
        json.WriteString("ran", result.Finding?.Ran);
        json.WriteString("rule", result.Finding?.Rule);
        json.WriteString("explanation", result.Finding?.Explanation);
        json.WriteStartArray("figures");
        foreach (var figure in result.Finding?.Figures ?? []) WriteFigure(json, figure);
        json.WriteEndArray();
        json.WriteString("failure", result.Failure is null ? null : ClaimWords.Failure(result));
        if (timings) json.Number("seconds", Math.Round(result.Elapsed.TotalSeconds, 1));
        json.WriteEndObject();
    }

    private static void WriteFigure(Utf8JsonWriter json, ClaimFigure figure)
    {
        json.WriteStartObject();
        json.WriteString("name", figure.Name);
        json.Number("value", figure.Value);
        json.Interval(figure.Interval);
        json.Whole("n", figure.N);
        json.WriteString("unit", figure.Unit.Length == 0 ? null : figure.Unit);
        json.WriteString("reference", figure.Reference);
        json.WriteEndObject();
    }
}
