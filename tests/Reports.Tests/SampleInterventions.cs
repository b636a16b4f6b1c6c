using MlNetIcl.Models;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Interventions;

namespace MlNetIcl.Reports.Tests;

/// <summary>Made-up interventions of any size, with tokens that a page must not take as markup.</summary>
internal static class SampleInterventions
{
    private static readonly string[] Words = [" the", "<script>alert(1)</script>", "\n", " averyveryverylongtokenofthevocabulary", "\u202Eevil", "の", "&amp;", "\ud800"];

    public static TokenLabel Token(int id) => new(id, Words[id % Words.Length]);

    public static PatchStudy Patch(SiteKind site = SiteKind.Z, int layers = 3, int? heads = 4, int? positions = null, int length = 12, bool sameMetric = false, bool attribution = false, string model = "sample")
    {
        var random = new Random(3);
        double clean = 3, corrupted = sameMetric ? 3 : -1;
        int differs = Math.Min(length / 3, length - 1);
        var effects =
            from layer in Enumerable.Range(0, layers)
            from position in positions is { } p ? Enumerable.Range(0, p).Select(i => (int?)i) : [null]
            from head in heads is { } h ? Enumerable.Range(0, h).Select(i => (int?)i) : [null]
            let share = position < differs ? 0 : Math.Pow(random.NextDouble(), 6) * (random.Next(4) == 0 ? -0.3 : 1)
            select new PatchEffect(new PatchSlot(site, layer, head, position), corrupted + (4 * share), sameMetric ? null : share);
        var all = effects.ToArray();
        return new()
        {
            Model = model,
            Site = site,
            Direction = PatchDirection.CleanIntoCorrupted,
            Pairs = [new([.. Enumerable.Range(0, length).Select(Token)], [.. Enumerable.Range(0, length).Select(i => Token(i == differs ? i + 3 : i))], new(5, " Paris"), new(6, " Rome"))],
            Result = new("logit_difference", clean, corrupted, all),
            AttributionSteps = attribution ? 4 : null,
            Check = attribution ? new([.. all.Take(5).Select((e, i) => new CheckedAttribution(e.Slot, e.Value - corrupted, e.Value - corrupted + (i == 2 ? 1 : 0), i == 2))], 0.9, double.NaN) : null,
        };
    }

    public static AblationStudy Ablation(int layers = 3, int heads = 4, int rows = 32, bool together = true, string model = "sample")
    {
        var random = new Random(4);
        HeadEffect Effect(double change, params HeadId[] of) => new(of, change, rows > 1 ? new(change - 0.1, change + 0.12) : null, rows);
        HeadId[] all = [.. from layer in Enumerable.Range(0, layers) from head in Enumerable.Range(0, heads) select new HeadId(layer, head)];
        return new()
        {
            Model = model,
            Layers = layers,
            HeadsPerLayer = heads,
            Rows = new() { Source = HeadScoreSource.Generated, Sequences = rows, Period = 50, Repeats = 2, Seed = 7, BosSource = "none" },
            Kind = AblationKind.MeanPerPosition,
            Metric = "loss_second_repeat",
            Base = 4,
            Effects = [.. all.Skip(1).Select(h => Effect(Math.Pow(random.NextDouble(), 8) - 0.05, h)), Effect(double.NaN, all[0])],
            Together = together ? Effect(3.5, all) : null,
        };
    }

    public static LensStudy Lens(int layers = 3, int heads = 4, bool mlps = true)
    {
        var random = new Random(5);
        LensToken Read(int id, int rank) => new(id, 10 - rank, Math.Pow(10, -rank), rank);
        double[][] written = [.. Enumerable.Range(0, layers).Select(_ => Enumerable.Range(0, heads).Select(_ => random.NextDouble() - 0.5).ToArray())];
        if (!mlps) written[0][0] = double.NaN;
        return new()
        {
            Model = "sample",
            Tokens = [.. Enumerable.Range(0, 12).Select(Token)],
            Answer = Token(5),
            Foil = Token(1),
            FreezeScale = false,
            Lines = [.. Enumerable.Range(0, layers + 1).Select(l => new LensLine(l, [Read(l < layers - 1 ? 3 : 5, 1), Read(7, 2)], [Read(5, 1), Read(1, 8)]))],
            Names = new[] { 3, 5, 7 }.ToDictionary(id => id, Token),
            Attribution = new() { LogitDifference = 2, Embed = 0.1, Heads = written, Mlps = mlps ? [.. Enumerable.Range(0, layers).Select(l => 0.1 * l)] : null, Biases = 0.05 },
        };
    }
}
