using System.Diagnostics;
using MlNetIcl.Models;
using MlNetIcl.Probes;
using static TorchSharp.torch;

namespace MlNetIcl.Quickstart;

/// <summary>Capitals named right after some demonstrations.</summary>
/// <param name="What">Which heads were switched off, in words.</param>
/// <param name="Shots">Demonstrations before the question.</param>
/// <param name="Heads">The heads switched off.</param>
/// <param name="Right">Share of questions whose answer's first token is the most likely one.</param>
internal sealed record Answers(string What, int Shots, IReadOnlyList<HeadId> Heads, double Right);

/// <summary>A real language model, where one is there: it learns a task from its prompt, and unlearns it without its induction heads.</summary>
internal sealed record SecondAct(string Model, HeadDetectionResult Detection, IReadOnlyList<Answers> ByShots, IReadOnlyList<Answers> SwitchedOff)
{
    public const int Questions = 30;
    private const int MostShots = 8;
    private const int Draws = 5; // of other heads
    private const int RowsAtOnce = 10; // bounds the logits, which reach over the whole vocabulary

    private static readonly string[] Capitals =
    [
        "France Paris", "Italy Rome", "Japan Tokyo", "Egypt Cairo", "Germany Berlin", "Spain Madrid", "Russia Moscow", "China Beijing", "England London", "Greece Athens",
        "Portugal Lisbon", "Austria Vienna", "Poland Warsaw", "Ireland Dublin", "Norway Oslo", "Sweden Stockholm", "Finland Helsinki", "Denmark Copenhagen", "Hungary Budapest", "Turkey Ankara",
        "Cuba Havana", "Peru Lima", "Chile Santiago", "Canada Ottawa", "Kenya Nairobi", "Iran Tehran", "Iraq Baghdad", "Thailand Bangkok", "Vietnam Hanoi", "Belgium Brussels",
    ];

    /// <summary>Null where no real model is at hand.</summary>
    public static SecondAct? Run(Screen screen, CancellationToken cancellation)
    {
        string? file = SharedFolder.Path is { } shared ? Path.Combine(shared, "models", "smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf") : null;
        if (!File.Exists(file)) return null;

        screen.Heading("5", "A real model: it learns capitals from its prompt");
        set_num_threads(Environment.ProcessorCount);
        var clock = Stopwatch.StartNew();
        using var model = LanguageModel.Load(file);
        screen.Line("");
        screen.Note($"{model.Name}: {model.Config.Layers} layers of {model.Config.Heads} heads, read from its GGUF file in {Screen.Number(clock.Elapsed.TotalSeconds, "0.0")} s.");

        SecondAct? act = null;
        screen.WithProgress("Asking", report => act = Measure(model, report, cancellation));
        act!.Show(screen);
        screen.Note($"{Screen.Number(clock.Elapsed.TotalSeconds, "0")} s in all. {Questions} countries, 'France -> Paris' lines; right: the most likely next token starts the capital. Outputs are replaced by their mean over all positions of the prompts; the control is drawn from the same layers. Induction heads are those found on {act.Detection.Protocol.Sequences} sequences of random tokens.");
        return act;
    }

    private static SecondAct Measure(LanguageModel model, Action<double> report, CancellationToken cancellation)
    {
        var answers = new List<Answers>();
        foreach (int shots in (int[])[0, 1, 2, 4, MostShots])
        {
            answers.Add(new("nothing", shots, [], Right(model, Prompts(model, shots), null, cancellation)));
            report(0.1 * answers.Count);
        }
        var detection = HeadDetector.Detect(model, new HeadDetectionOptions { Sequences = 16, Copying = false, TransformerLens = false }, cancellationToken: cancellation);
        report(0.8);
        HeadId[] induction = [.. detection.Detected(HeadKind.Induction).Select(h => new HeadId(h.Layer, h.Head))];
        var prompts = Prompts(model, MostShots);
        using var scope = NewDisposeScope();
        var means = Means(model, prompts, [.. induction.Select(h => h.Layer).Distinct()], cancellation);
        Answers Without(string what, HeadId[] heads) => new(what, MostShots, heads, Right(model, prompts, SwitchOff(heads, means), cancellation));
        Answers[] off =
        [
            answers[^1], Without($"{induction.Length} induction heads", induction),
            .. Enumerable.Range(1, Draws).Select(draw => Without($"as many others, draw {draw}", OtherHeads(detection, induction, draw))),
        ];
        report(1);
        return new SecondAct(model.Name, detection, answers, off);
    }

    /// <summary>As many heads of the same layers that are of no kind, as far as there are any.</summary>
    private static HeadId[] OtherHeads(HeadDetectionResult detection, HeadId[] heads, int seed)
    {
        var random = new Random(seed);
        return [.. heads.GroupBy(h => h.Layer).SelectMany(layer => random
            .GetItems([.. detection.Heads.Where(h => h.Layer == layer.Key && Enum.GetValues<HeadKind>().All(kind => h[kind].Verdict is HeadVerdicts.None or HeadVerdicts.Weak))], 4 * layer.Count())
            .Select(h => new HeadId(h.Layer, h.Head)).Distinct().Take(layer.Count()))];
    }

    /// <summary>One question a country: the prompt's tokens and the first token of the right answer.</summary>
    private static (int[] Prompt, int Answer)[] Prompts(LanguageModel model, int shots) => [.. Capitals.Select((pair, asked) =>
    {
        var others = new Random(asked).GetItems([.. Enumerable.Range(0, Capitals.Length).Where(i => i != asked)], 4 * MostShots).Distinct().Take(shots);
        string prompt = string.Concat(others.Select(i => Capitals[i].Replace(" ", " -> ", StringComparison.Ordinal) + "\n")) + pair.Split(' ')[0] + " ->";
        int[] ids = [.. model.Tokenizer!.Tokenize(prompt).Ids];
        return (ids, model.Tokenizer.Tokenize(prompt + " " + pair.Split(' ')[1]).Ids[ids.Length]);
    })];

    private static double Right(LanguageModel model, (int[] Prompt, int Answer)[] prompts, Action<ForwardPlan>? intervene, CancellationToken cancellation)
    {
        int right = 0;
        foreach (var some in prompts.Chunk(RowsAtOnce))
        {
            var plan = new ForwardPlan().Observe(Site.Logits, logits => // [batch, pos, vocab]
            {
                using var scope = NewDisposeScope();
                for (int row = 0; row < some.Length; row++)
                    if (logits[row, some[row].Prompt.Length - 1].argmax().item<long>() == some[row].Answer) right++;
            });
            intervene?.Invoke(plan);
            model.Run(new TokenBatch([.. some.Select(p => p.Prompt)]), plan, cancellation).Dispose();
        }
        return (double)right / prompts.Length;
    }

    private static Action<ForwardPlan> SwitchOff(HeadId[] heads, Dictionary<int, Tensor> means) => plan =>
    {
        foreach (var layer in heads.GroupBy(h => h.Layer))
            plan.Replace(Site.Z(layer.Key), z => // [batch, pos, head, d_head]
            {
                var edited = z.clone();
                foreach (var head in layer) edited.select(2, head.Head).copy_(means[layer.Key].select(2, head.Head));
                return edited;
            });
    };

    /// <summary>By layer, head outputs averaged over all tokens of the prompts [1, 1, head, d_head].</summary>
    private static Dictionary<int, Tensor> Means(LanguageModel model, (int[] Prompt, int Answer)[] prompts, int[] layers, CancellationToken cancellation)
    {
        using var run = model.Run(new TokenBatch([.. prompts.Select(p => p.Prompt)]), new ForwardPlan().Capture(layers.Select(Site.Z)), cancellation);
        return layers.ToDictionary(layer => layer, layer =>
        {
            using var z = run[Site.Z(layer)].to_type(ScalarType.Float32);
            Tensor[] rows = [.. prompts.Select((p, row) => z[row].narrow(0, 0, p.Prompt.Length))]; // without padding
            using var all = cat(rows, 0);
            foreach (var row in rows) row.Dispose();
            return all.mean([0]).view(1, 1, z.shape[2], z.shape[3]).to_type(run[Site.Z(layer)].dtype);
        });
    }

    /// <summary>Whether the task needs its induction heads more than as many others.</summary>
    public string Verdict
    {
        get
        {
            double whole = SwitchedOff[0].Right, induction = SwitchedOff[1].Right;
            var others = SwitchedOff.Skip(2).Select(a => a.Right).ToArray();
            string worse = $"{others.Count(o => o <= induction)} of {others.Length} draws of other heads cost as much or more";
            return $"Without its induction heads it gets {Screen.Number(induction)} right of {Screen.Number(whole)}; {worse}. Copying random tokens and naming capitals are different jobs.";
        }
    }

    private void Show(Screen screen)
    {
        screen.Line("");
        screen.Table([">demonstrations", "right"], ByShots.Select(a => new[] { a.Shots.ToString(System.Globalization.CultureInfo.InvariantCulture), screen.Bar(a.Right) }));
        screen.Line("");
        screen.Table(["switched off", $"right, {MostShots} demonstrations"], SwitchedOff.Select(a => new[] { a.What, screen.Bar(a.Right) }));
        screen.Line(Verdict);
    }
}
