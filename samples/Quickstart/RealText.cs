using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetIcl.Models;
using MlNetIcl.Probes;
using MlNetIcl.Transforms;
using MlNetIcl.Transforms.Induction;

namespace MlNetIcl.Quickstart;

/// <summary>One text and what the pipeline says of it; NaN where it could not be measured.</summary>
internal sealed record ScoredText(string Text, string StrongestHead, double Induction, double EarlyLoss, double LateLoss);

/// <summary>What the pipeline found.</summary>
internal sealed record RealText(string Model, string Source, HeadDetectionResult Detection, IReadOnlyList<ScoredText> Texts)
{
    private const int Shown = 6;
    private const int Ends = 10; // tokens at either end of a row, whose mean losses are compared

    private static readonly string[] Lines =
    [
        "the soup was cold, the bread was cold, the tea was cold, the coffee was cold.",
        "france -> paris, italy -> rome, france -> paris, italy -> rome, france -> paris",
        "one potato, two potato, three potato, four potato, five potato, six potato.",
        "she sells sea shells by the sea shore; the shells she sells are sea shells.",
        "we waited for a quarter of an hour before anybody came to take our order.",
        "once upon a time there was a little dog. the little dog liked to play.",
    ];

    public static RealText Run(Screen screen)
    {
        var ml = new MLContext(seed: 1);
        string? shared = SharedFolder.Path;
        using var model = shared is not null && Directory.Exists(Path.Combine(shared, "models", "story"))
            ? ml.Icl().LoadModel(Path.Combine(shared, "models", "story"))
            : LanguageModel.LoadEmbedded();
        string reviews = Path.Combine(shared ?? "", "data", "yelp_labelled.txt");
        bool hasReviews = shared is not null && File.Exists(reviews);
        var texts = hasReviews ? Reviews(reviews) : Lines.Select(line => new Prompt { Text = line });

        var data = ml.Data.LoadFromEnumerable(texts);
        var pipeline = ml.Transforms.TokenizePrompt("Tokens", "Text", model)
            .Append(ml.Transforms.ScoreInContextLearning(model, new() { OutputColumnName = "LossSummary", InputColumnName = "Tokens", LossesColumnName = "Losses", OnError = RowErrorHandling.Missing }))
            .Append(ml.Transforms.ScoreInductionHeads(model, new() { OutputColumnName = "Induction", InputColumnName = "Tokens", OnError = RowErrorHandling.Missing }))
            .Append(ml.Transforms.DetectInductionHeads(model, new() { OutputColumnName = "Detected", InputColumnName = "Tokens", OnError = RowErrorHandling.Missing }))
            .Append(ml.Transforms.DropColumns("Tokens"));
        using var fitted = pipeline.Fit(data);
        var scored = fitted.Transform(data);

        var names = default(VBuffer<ReadOnlyMemory<char>>);
        scored.Schema["Induction"].GetSlotNames(ref names);
        string[] heads = [.. names.DenseValues().Select(n => n.ToString())];
        var results = new RealText(
            model.Name,
            hasReviews ? "restaurant reviews, three to a row" : "lines of this sample",
            fitted.OfType<InductionDetectingTransformer>().Single().Detection,
            [.. ml.Data.CreateEnumerable<Row>(scored, reuseRowObject: false).Select(row => Read(row, heads))]);
        results.Show(screen);
        return results;
    }

    /// <summary>What the detector says of this model.</summary>
    public string Verdict
    {
        get
        {
            string[] found = [.. Detection.Detected(HeadKind.Induction).Select(h => h.Name)];
            var best = Detection.Heads.MaxBy(h => h.Induction.Score)!;
            return found.Length == 0
                ? $"None of the {Detection.Heads.Count} heads of '{Model}' is an induction head: the highest score is {Screen.Number(best.Induction.Score ?? double.NaN, "0.000")} ({best.Name}), without repeats {Screen.Number(best.Induction.Control ?? double.NaN, "0.000")}."
                : $"{found.Length} of the {Detection.Heads.Count} heads of '{Model}' are induction heads: {string.Join(", ", found)}.";
        }
    }

    private void Show(Screen screen)
    {
        screen.Line("");
        screen.Table(["text", ">best head", ">induction", $">first {Ends}", $">last {Ends}"], Texts.Take(Shown).Select(t => new[]
        {
            t.Text.Length > 32 ? t.Text[..31] + "…" : t.Text, t.StrongestHead, Screen.Number(t.Induction), Screen.Number(t.EarlyLoss), Screen.Number(t.LateLoss),
        }));
        screen.Note($"Model '{Model}', {Texts.Count} rows ({Source}); the last columns are mean losses of the first and last {Ends} tokens, in nats: {Mean(t => t.EarlyLoss)} and {Mean(t => t.LateLoss)} over all rows.");
        screen.Line(Verdict);
    }

    public string Mean(Func<ScoredText, double> value) => Screen.Number(Texts.Select(value).Where(double.IsFinite).DefaultIfEmpty(double.NaN).Average());

    private static ScoredText Read(Row row, string[] heads)
    {
        var (score, head) = row.Induction.Zip(heads).Where(h => float.IsFinite(h.First)).OrderByDescending(h => h.First).FirstOrDefault((float.NaN, "-"));
        float[] losses = row.Losses;
        return losses.Length < 2 * Ends ? new ScoredText(row.Text, head, score, double.NaN, double.NaN)
            : new ScoredText(row.Text, head, score, losses.Take(Ends).Average(), losses.TakeLast(Ends).Average());
    }

    private static IEnumerable<Prompt> Reviews(string path) =>
        File.ReadLines(path).Skip(1).Take(300).Select(line => line.Split('\t')[0]).Chunk(3).Select(several => new Prompt { Text = string.Join(" ", several) });

    private sealed class Prompt
    {
        public string Text { get; set; } = "";
    }

    private sealed class Row
    {
        public string Text { get; set; } = "";

        public float[] Losses { get; set; } = [];

        public float[] Induction { get; set; } = [];
    }
}
