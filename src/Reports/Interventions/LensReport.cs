using MlNetIcl.Reports.Figures;
using MlNetIcl.Reports.Parts;
using static System.FormattableString;

namespace MlNetIcl.Reports.Interventions;

/// <summary>Logit lens and direct logit attribution as a report.</summary>
public static class LensReport
{
    private const int MostBars = 24, BestShown = 5;

    /// <summary>The whole report: what was found, settings, the lens layer by layer, what each part writes, the prompt.</summary>
    public static Report Of(LensStudy study)
    {
        ArgumentNullException.ThrowIfNull(study);
        return new($"What {study.Model} predicts, and which parts write it",
            new("What was measured", new KeyFacts(LensWords.Facts(study)), new Note("One prompt: there is no interval, and other prompts may be read otherwise.")),
            new("Logit lens", new Prose(LensMeaning), Curve(study), Lens(study)),
            new("Direct logit attribution", new Prose(AttributionMeaning), Map(study), Bars(study)),
            new("Prompt", Prompt(study)))
        {
            Lead = LensWords.Summary(study),
        };
    }

    private const string LensMeaning =
        "The residual stream after each block, read by the final norm and the unembedding as if it were the last (nostalgebraist 2020). Early streams were not made to be read so: their lines may mean nothing.";

    private const string AttributionMeaning =
        "What each part adds directly to logit(answer) - logit(foil), the final norm's scale being that of this run; all parts together are the difference (Elhage et al. 2021). What a part does through later parts counts as theirs.";

    private static LineChart Curve(LensStudy study) => new(
        Series.Of($"answer {study.Answer.Short}", study.Lines.Select(l => l.Asked[0].Logit)),
        Series.Of($"foil {study.Foil.Short}", study.Lines.Select(l => l.Asked[1].Logit)))
    {
        Title = "Logits of answer and foil",
        Caption = "By number of blocks done; the last point is the model's own logit. n = 1 prompt.",
        XName = "blocks done",
        YName = "logit",
    };

    private static DataTable Lens(LensStudy study) => new(
        [
            new("blocks", true, "blocks done; 0 is the embedding"),
            new("answer", true, "probability and rank"), new("its logit", true),
            new("foil", true, "probability and rank"), new("its logit", true),
            new("best tokens", Meaning: "with their probabilities"),
        ],
        [.. study.Lines.Select(line => (IReadOnlyList<Cell>)
        [
            Invariant($"{line.Blocks}"),
            new(LensWords.Token(line.Asked[0]), Strong: line.Asked[0].Rank == 1), new(Numbers.Score(line.Asked[0].Logit), Numbers.Brief(line.Asked[0].Logit)),
            new(LensWords.Token(line.Asked[1]), Strong: line.Asked[1].Rank == 1), new(Numbers.Score(line.Asked[1].Logit), Numbers.Brief(line.Asked[1].Logit)),
            LensWords.Best(study, line, BestShown),
        ])])
    {
        Caption = "What the model would predict after each block",
    };

    private static Heatmap Map(LensStudy study)
    {
        var parts = study.Attribution;
        int layers = parts.Heads.Count, heads = parts.Heads[0].Length, columns = heads + (parts.Mlps is null ? 0 : 1);
        var values = new double[layers, columns];
        for (int layer = 0; layer < layers; layer++)
            for (int column = 0; column < columns; column++) values[layer, column] = column < heads ? parts.Heads[layer][column] : parts.Mlps![layer];
        return new(values)
        {
            Title = "What every head and MLP writes to the logit difference",
            Caption = $"In logits; positive towards the answer. Embedding {PatchWords.Signed(parts.Embed)}, biases {PatchWords.Signed(parts.Biases)}, all parts together {PatchWords.Signed(parts.LogitDifference)}.",
            Scale = ValueScale.Covering(values.Cast<double>(), least: 0.01),
            ColumnName = parts.Mlps is null ? "head" : "head, MLP",
            ColumnLabels = parts.Mlps is null ? null : [.. Enumerable.Range(0, heads).Select(h => Invariant($"{h}")), "MLP"],
            Describe = (layer, column) => $"{(column < heads ? Invariant($"L{layer}.H{column}") : Invariant($"L{layer}.MLP"))}: {PatchWords.Signed(values[layer, column])} logits",
        };
    }

    private static BarChart Bars(LensStudy study)
    {
        int all = study.Parts.Count();
        return new([.. study.PartsByStrength.Take(MostBars).Select(p => new Bar(p.Name, p.Value))])
        {
            Title = all > MostBars ? Invariant($"The {MostBars} largest of {all} parts") : "All parts",
            BarName = "part",
            ValueName = "logits towards the answer",
        };
    }

    private static DataTable Prompt(LensStudy study) => new(
        [new("position", true), new("token"), new("id", true)],
        [.. study.Tokens.Select((token, i) => (IReadOnlyList<Cell>)[Invariant($"{i}"), token.Visible, Invariant($"{token.Id}")])])
    {
        Caption = "The tokens as the model saw them",
    };
}
