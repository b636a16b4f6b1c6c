using MlNetIcl.Models;
using MlNetIcl.Probes;
using MlNetIcl.Reports;
using MlNetIcl.Reports.Figures;
using MlNetIcl.Reports.Heads;
using MlNetIcl.Reports.Parts;

namespace MlNetIcl.Quickstart;

/// <summary>Everything that was seen, as one HTML page.</summary>
internal static class QuickstartReport
{
    private const string Rhyme = "one potato, two potato, three potato";

    public static Report Of(LiveTraining training, HeadDetectionResult heads, IReadOnlyList<Ablation> ablations, RealText text, LanguageModel embedded, SecondAct? real) => new(
        "Quickstart: induction heads, from training to text",
        [new Section("Induction heads form", Emergence(training), new Note(
            "When heads form depends on data, learning rate and size; the number of steps was chosen for this page, so the curve says nothing about which share of a training they take.")),
        new Section("Every head, scored", HeadReport.Facts(heads), HeadReport.Map(heads, HeadKind.Induction), HeadReport.Map(heads, HeadKind.PreviousToken), HeadReport.Table(heads, HeadKind.Induction)),
        new Section("Which heads copying needs", Ablations(ablations), new Note(
            "Induction heads that do the same job stand in for each other: one can be missing, all cannot.")),
        new Section("What an induction head looks at", Attention(embedded)),
        new Section("Real text", new Prose(text.Verdict), Texts(text)),
        .. real is null ? [] : (Section[])[new Section($"A real model: {real.Model}", Capitals(real), new Prose(real.Verdict), WithoutHeads(real), HeadReport.Map(real.Detection, HeadKind.Induction))]])
    {
        Lead = $"A two-layer attention-only model, trained for {LiveTraining.Steps} steps with seed {LiveTraining.Seed}, copies {Screen.Number(100 * training.Checkpoints[^1].CopyAccuracy, "0")} % of what repeats; "
            + $"{heads.Detected(HeadKind.Induction).Count()} of its {heads.Heads.Count} heads are induction heads.",
    };

    private static LineChart Emergence(LiveTraining training)
    {
        Series Line(string name, Func<Checkpoint, double> value) => new(name, [.. training.Checkpoints.Select(c => new SeriesPoint(c.Step, value(c)))]);
        return new LineChart(
            Line("copy accuracy", c => c.CopyAccuracy),
            Line("induction, best head of layer 1", c => c.Induction),
            Line("previous token, best head of layer 0", c => c.PreviousToken))
        {
            Title = "Emergence",
            Caption = "Mean attention of the best head of each layer, and the share of the second repeat that is predicted, on 32 held-out sequences.",
            XName = "training step",
            YName = "share",
            YReaches = [0, 1],
        };
    }

    private static DataTable Ablations(IReadOnlyList<Ablation> ablations) => new(
        [new("switched off"), new("heads"), new("loss, second repeat", true, "nats"), new("copy accuracy", true, "argmax, from the second token of the second repeat")],
        [.. ablations.Select(a => (IReadOnlyList<Cell>)
            [a.What, string.Join(" ", a.Heads.Select(h => h.Name)), Screen.Number(a.Score.SecondRepeatLoss), Screen.Number(a.Score.CopyAccuracy)])])
    {
        Caption = "Head outputs replaced by their mean at each position over 32 other sequences",
    };

    /// <summary>The embedded model's strongest induction head on a line that everybody can read.</summary>
    private static AttentionMap Attention(LanguageModel model)
    {
        var best = HeadDetector.Detect(model, new HeadDetectionOptions { Copying = false, TransformerLens = false }).Detected(HeadKind.Induction).MaxBy(h => h.Induction.Score)!;
        var tokens = model.Tokenizer!.Tokenize(Rhyme);
        int[] ids = [.. tokens.Ids];
        using var run = model.Run(new TokenBatch([ids]), new ForwardPlan().Capture(Site.Pattern(best.Layer)));
        using var attention = run[Site.Pattern(best.Layer)][0, best.Head].contiguous(); // [query, key]
        float[] values = attention.data<float>().ToArray();
        var pattern = new double[ids.Length, ids.Length];
        for (int i = 0; i < values.Length; i++) pattern[i / ids.Length, i % ids.Length] = values[i];
        return new AttentionMap(pattern, tokens.Tokens)
        {
            Title = $"Attention of {best.Name} of the embedded model",
            Caption = $"On '{Rhyme}', one token a character: each row shows where one position looks.",
            Highlight = (query, key) => key > 0 && key <= query && ids[key - 1] == ids[query],
            HighlightMeaning = "what followed the same character earlier",
        };
    }

    private static LineChart Capitals(SecondAct real) => new(new Series("right", [.. real.ByShots.Select(a => new SeriesPoint(a.Shots, a.Right))]))
    {
        Title = "Capitals, by demonstrations",
        Caption = $"Share of {SecondAct.Questions} countries after which the capital's first token is the most likely one; demonstrations are lines such as 'France -> Paris'.",
        XName = "demonstrations in the prompt",
        YName = "share right",
        YReaches = [0, 1],
    };

    private static DataTable WithoutHeads(SecondAct real) => new(
        [new("switched off"), new("right", true, $"share of {SecondAct.Questions}"), new("heads")],
        [.. real.SwitchedOff.Select(a => (IReadOnlyList<Cell>)[a.What, Screen.Number(a.Right), string.Join(" ", a.Heads)])])
    {
        Caption = $"With {real.SwitchedOff[0].Shots} demonstrations; head outputs replaced by their mean over all positions of the prompts",
    };

    private static DataTable Texts(RealText text) => new(
        [new("strongest head"), new("induction", true, "attention to what followed the current token earlier"), new("first tokens", true, "mean loss of the first ten, nats"), new("last tokens", true, "mean loss of the last ten, nats"), new("text")],
        [.. text.Texts.Select(t => (IReadOnlyList<Cell>)
            [t.StrongestHead, Screen.Number(t.Induction), Screen.Number(t.EarlyLoss), Screen.Number(t.LateLoss), t.Text])])
    {
        Caption = $"Model '{text.Model}', {text.Texts.Count} rows: {text.Source}; - where a row has no token twice, or is too short or too long",
    };
}
