using System.Globalization;
using System.Text.Json.Nodes;
using MlNetIcl.Models;
using MlNetIcl.Testing;
using static TorchSharp.torch;

namespace MlNetIcl.Cli.Tests;

/// <summary>What the commands print, on every family of models, against one whole forward pass with all logits per number.</summary>
public sealed class WholePassTests
{
    /// <summary>Effects of one command line that are computed by hand, spread over all of them.</summary>
    private const int Sampled = 4;

    private static readonly string[] Families = ["bloom", "gpt2_hub", "gpt_neo", "gpt_neox", "llama", "llama_rope3", "mistral", "opt", "qwen2", "qwen3"];

    private static readonly (string Name, SiteKind Kind)[] Sites =
    [
        ("z", SiteKind.Z), ("q", SiteKind.Query), ("k", SiteKind.Key), ("v", SiteKind.Value), ("pattern", SiteKind.Pattern), ("resid_pre", SiteKind.ResidPre),
        ("resid_mid", SiteKind.ResidMid), ("resid_post", SiteKind.ResidPost), ("attn_out", SiteKind.AttentionOut), ("mlp_out", SiteKind.MlpOut),
    ];

    /// <summary>Length and first difference: the last token alone, the middle beyond a window of 8, everything, a prompt of one token.</summary>
    private static readonly (int Length, int First)[] Pairs = [(6, 5), (13, 4), (10, 0), (1, 0)];

    public static TheoryData<string> Models => [.. Families];

    [Theory]
    [MemberData(nameof(Models))]
    public void Patch_AnySiteAndPair_IsWhatAWholePassGives(string family)
    {
        using var scratch = new Scratch();
        string folder = Fixtures.Path("families", family);
        using var model = LanguageModel.Load(folder);
        var random = new Random(family.Length);
        double largest = 0;
        for (int at = 0; at < Pairs.Length; at++)
        {
            var (length, first) = Pairs[at];
            int[] corrupted = random.GetItems(Enumerable.Range(0, model.Config.Vocabulary).ToArray(), length);
            int[] clean = [.. corrupted.Select((id, pos) => pos < first ? id : (id + 1 + pos) % model.Config.Vocabulary)];
            string pair = scratch.Write("pair.json", $"{{\"clean\":{Json(clean)},\"corrupted\":{Json(corrupted)},\"answer\":5,\"foil\":11}}");
            foreach (var (name, kind) in Sites.Where((_, site) => (site + at) % 2 == 0)) // each site with two of the pairs
            {
                if (name == "resid_mid" && model.Config.ParallelResidual) continue;
                bool perPosition = length > 1 && random.Next(2) == 0, breaks = random.Next(2) == 0;
                string[] flags = [.. perPosition ? ["--per-position"] : Array.Empty<string>(), .. breaks ? ["--direction", "corrupted-into-clean"] : Array.Empty<string>()];
                var root = Icl.Run(["patch", "-m", folder, "--pair", pair, "--site", name, "--json", "-", .. flags]).AssertDone().Json;

                int heads = kind is SiteKind.Key or SiteKind.Value ? model.Config.KeyHeads : kind is SiteKind.Z or SiteKind.Query or SiteKind.Pattern ? model.Config.Heads : 1;
                Assert.Equal(model.Config.Layers * heads * (perPosition ? length : 1), root["effects"]!.AsArray().Count);
                Same(LogitDifference(model, clean), (double)root["clean"]!);
                Same(LogitDifference(model, corrupted), (double)root["corrupted"]!);
                var (from, to) = breaks ? (corrupted, clean) : (clean, corrupted);
                foreach (var effect in Spread(root["effects"]!.AsArray()))
                {
                    var site = new Site(kind, (int)effect["layer"]!);
                    using var source = model.Run(new TokenBatch([from]), new ForwardPlan().Capture(site));
                    double expected = LogitDifference(model, to, site, value => Part(value, kind, effect).copy_(Part(source[site], kind, effect)));
                    Same(expected, (double)effect["value"]!);
                    largest = Math.Max(largest, Math.Abs((double)effect["change"]!));
                }
            }
        }
        Assert.True(largest > 0.1, "An engine that patches nothing would pass.");
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Ablate_AnyKind_IsWhatAWholePassGives(string family)
    {
        using var scratch = new Scratch();
        string folder = Fixtures.Path("families", family);
        using var model = LanguageModel.Load(folder);
        var random = new Random(1);
        int[][] Rows(int count, int length) => [.. Enumerable.Range(0, count).Select(_ => random.GetItems(Enumerable.Range(0, model.Config.Vocabulary).ToArray(), length))];
        int[][] rows = Rows(3, 12), reference = Rows(2, 12);
        string[] files = ["--tokens", scratch.Write("rows.json", Json(rows)), "--reference", scratch.Write("reference.json", Json(reference))];
        foreach (string kind in (string[])["zero", "mean", "mean-per-position"])
        {
            var root = Icl.Run(["ablate", "-m", folder, .. kind == "zero" ? files[..2] : files, "--kind", kind, "--metric", "loss", "--positions", "3-9", "--json", "-"]).AssertDone().Json;

            double before = Loss(model, rows);
            Same(before, (double)root["base"]!);
            Assert.Equal(model.Config.Layers * model.Config.Heads, root["effects"]!.AsArray().Count);
            foreach (var effect in Spread(root["effects"]!.AsArray()))
            {
                var site = Site.Z((int)effect["layer"]!);
                using var others = model.Run(new TokenBatch(reference), new ForwardPlan().Capture(site));
                double after = Loss(model, rows, site, value =>
                {
                    var z = others[site].select(2, (int)effect["head"]!); // [batch, pos, d_head]
                    var mean = kind switch { "zero" => zeros(1), "mean" => z.mean([0, 1]), _ => z.mean([0]) };
                    value.select(2, (int)effect["head"]!).copy_(mean);
                });
                Same(after - before, (double)effect["value"]!);
            }
            Assert.Contains(root["effects"]!.AsArray(), e => Math.Abs((double)e!["value"]!) > 0.01);
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Lens_EveryDepth_IsTheEndOfAWholePass(string family)
    {
        using var scratch = new Scratch();
        string folder = Fixtures.Path("families", family);
        using var model = LanguageModel.Load(folder);
        int[] row = [3, 9, 4, 17, 9];
        var root = Icl.Run("lens", "-m", folder, "--tokens", scratch.Write("t.json", Json([row])), "--answer-id", "5", "--foil-id", "11", "--json", "-").AssertDone().Json;

        Assert.Equal(model.Config.Layers + 1, root["lens"]!.AsArray().Count);
        var last = new Site(SiteKind.ResidPost, model.Config.Layers - 1);
        foreach (var line in root["lens"]!.AsArray())
        {
            int blocks = (int)line!["blocks"]!;
            var site = blocks == 0 ? Site.ResidPre(0) : new Site(SiteKind.ResidPost, blocks - 1);
            using var run = model.Run(new TokenBatch([row]), new ForwardPlan().Capture(site));
            Same(LogitDifference(model, row, last, value => value.copy_(run[site])), (double)line["logit_difference"]!);
        }
        var parts = root["attribution"]!;
        double sum = (double)parts["embed"]! + (double)parts["biases"]! + parts["heads"]!.AsArray().Sum(layer => layer!.AsArray().Sum(head => (double)head!)) + (parts["mlps"]?.AsArray().Sum(mlp => (double)mlp!) ?? 0);
        Same(LogitDifference(model, row), sum);
        Same(LogitDifference(model, row), (double)parts["logit_difference"]!);
    }

    /// <summary>The part of a site that an effect names: a view.</summary>
    private static Tensor Part(Tensor value, SiteKind kind, JsonNode effect)
    {
        bool pattern = kind == SiteKind.Pattern; // [batch, head, query, key]; others [batch, pos, head, d_head] or [batch, pos, d_model]
        if (effect["position"] is { } position) value = value.narrow(pattern ? 2 : 1, (int)position, 1);
        return effect["head"] is { } head ? value.narrow(pattern ? 1 : 2, (int)head, 1) : value;
    }

    private static JsonNode[] Spread(JsonArray effects) => [.. Enumerable.Range(0, Math.Min(Sampled, effects.Count)).Select(i => effects[i * effects.Count / Math.Min(Sampled, effects.Count)]!)];

    private static double LogitDifference(LanguageModel model, int[] row, Site? site = null, Action<Tensor>? write = null)
    {
        using var scope = NewDisposeScope();
        var last = Logits(model, [row], site, write)[0, row.Length - 1];
        return last[5].item<double>() - last[11].item<double>();
    }

    /// <summary>Mean loss of the tokens at positions 3 to 9, mean over rows.</summary>
    private static double Loss(LanguageModel model, int[][] rows, Site? site = null, Action<Tensor>? write = null)
    {
        using var scope = NewDisposeScope();
        var surprise = -Logits(model, rows, site, write).log_softmax(-1);
        return rows.Select((row, i) => Enumerable.Range(3, 7).Average(pos => surprise[i, pos - 1, row[pos]].item<double>())).Average();
    }

    private static Tensor Logits(LanguageModel model, int[][] rows, Site? site, Action<Tensor>? write)
    {
        var plan = new ForwardPlan().Capture(Site.Logits);
        if (site is { } at)
            plan.Replace(at, value =>
            {
                var edited = value.clone();
                write!(edited);
                return edited;
            });
        return model.Run(new TokenBatch(rows), plan)[Site.Logits].to_type(ScalarType.Float64);
    }

    private static void Same(double expected, double actual) => Assert.Equal(expected, actual, 2e-5 * Math.Max(1, Math.Abs(expected)));

    private static string Json(int[] row) => $"[{string.Join(',', row.Select(id => id.ToString(CultureInfo.InvariantCulture)))}]";

    private static string Json(int[][] rows) => $"[{string.Join(',', rows.Select(Json))}]";
}
