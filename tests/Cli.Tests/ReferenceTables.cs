using System.Text.Json.Nodes;
using MlNetIcl.Models.Safetensors;
using MlNetIcl.Testing;
using static TorchSharp.torch;

namespace MlNetIcl.Cli.Tests;

/// <summary>The interventions that TransformerLens 2.18 computed on a small model, for comparison with what the tool prints.</summary>
internal sealed class ReferenceTables : IDisposable
{
    private readonly SafetensorsFile _values;

    public ReferenceTables(string family)
    {
        bool story = family == "story";
        Folder = story ? Fixtures.Path("story") : Fixtures.Path("patching", family);
        Model = story ? Fixtures.Shared("models", "story") : Fixtures.Path("families", family);
        _values = SafetensorsFile.Open(At("patching.safetensors"));
    }

    public string Folder { get; }

    public string Model { get; }

    public string Pair => At("pair.json");

    public string At(string file) => Path.Combine(Folder, file);

    public JsonNode Json(string file) => JsonNode.Parse(File.ReadAllText(At(file)))!;

    /// <summary>A table, row by row.</summary>
    public double[] this[string table]
    {
        get
        {
            using var value = _values.Read(table, ScalarType.Float64);
            return value.data<double>().ToArray();
        }
    }

    /// <summary>Compares changes from the base run, within 1e-4 (1e-3 of larger ones); where nothing changes, the comparison is refused.</summary>
    public static void Same(IReadOnlyList<double> expected, IReadOnlyList<double> actual)
    {
        static double Tolerance(double value) => Math.Max(1e-4, 1e-3 * Math.Abs(value));
        Assert.Equal(expected.Count, actual.Count);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, Tolerance(pair.First)));
        Assert.True(expected.Any(e => Math.Abs(e) > 10 * Tolerance(e)), "An intervention without effect would pass.");
    }

    public void Dispose() => _values.Dispose();
}
