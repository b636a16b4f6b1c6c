using System.Globalization;
using MlNetIcl.Models;
using MlNetIcl.Models.Training;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>
/// Trains a small decoder to predict every position but the first of every sequence of a prompt; what is to be predicted is the kernel's row of the parent as a whole.
/// A token says its value and its position in the sequence. Deterministic, and resumes bit for bit, on one machine with one number of torch threads. Owns its weights; not
/// thread-safe.
/// </summary>
internal sealed class InContextGraphTrainer : IResumableModel
{
    private const int Heads = 4, Warmup = 50, Chunk = 256;

    private readonly InContextGraphTask _task;
    private readonly InContextGraphOptions _options;
    private readonly int _seed;
    private readonly DecoderConfig _config;
    private readonly DecoderWeights _weights;
    private readonly TrainingRun _run;
    private readonly int[] _queries; // positions in the prompt that are predicted from

    public InContextGraphTrainer(InContextGraphTask task, InContextGraphOptions options, int run)
    {
        (_task, _options, _seed) = (task, options, options.SeedOf(run));
        _config = new()
        {
            Layers = options.Layers,
            DModel = options.DModel,
            Heads = Heads,
            DMlp = 4 * options.DModel,
            Vocabulary = task.Vocabulary * task.Length,
            Context = task.Sequences * task.Length,
            Positions = PositionEncoding.Rotary,
            Rotary = new RotaryConfig(options.DModel / Heads),
        };
        _queries = [.. Enumerable.Range(0, task.Sequences * task.Length).Where(at => at % task.Length < task.Length - 1)];
        _weights = DecoderInitializer.Normal(_config, _seed, 0.05, biases: true);
        NamedParameter[] learned = [.. _weights.Named().Select(w => new NamedParameter(w.Name, w.Value))];
        var settings = new TrainingOptions { LearningRate = options.LearningRate, WarmupSteps = Warmup, DecaySteps = Math.Max(Warmup + 1, options.Steps) };
        _run = new TrainingRun(learned, new AdamW(learned, settings.ToAdamW()),
        [
            ("seed", _seed.ToString(CultureInfo.InvariantCulture)), ("training", SettingsJson.Write(settings)), ("config", SettingsJson.Write(_config)),
            ("prompts", FormattableString.Invariant($"{options.BatchPrompts} of {task.Sequences} sequences, alpha {options.Alpha:R}")),
        ]);
    }

    public int StepsDone => _run.StepsDone;

    public void Train(int steps, Action<int, double>? observe = null, CancellationToken cancellation = default) => _run.Train(steps, step =>
    {
        var random = new SeededRandom(unchecked((_seed * 1_000_003) + step), RandomStream.InContextPrompts);
        int[][] prompts = new int[_options.BatchPrompts][];
        float[] targets = new float[prompts.Length * _queries.Length * _task.Vocabulary];
        Span<int> parents = stackalloc int[_task.Length];
        int at = 0;
        for (int i = 0; i < prompts.Length; i++)
        {
            prompts[i] = _task.Draw(random, parents);
            foreach (int query in _queries)
                foreach (double p in _task.Kernel(prompts[i][query - (query % _task.Length) + parents[(query % _task.Length) + 1]])) targets[at++] = (float)p;
        }
        var target = tensor(targets, [prompts.Length, _queries.Length, _task.Vocabulary]);
        return (target * LogPredictions(prompts, cancellation)).sum(-1).mean().neg();
    }, observe, cancellation);

    /// <summary>The predicted distributions of each prompt, [prompt][sequence, pos - 1, value].</summary>
    public float[][] Predict(IReadOnlyList<int[]> prompts, CancellationToken cancellation)
    {
        using var noGradients = no_grad();
        var predictions = new List<float[]>();
        foreach (int[][] chunk in prompts.Chunk(Chunk))
        {
            using var scope = NewDisposeScope();
            predictions.AddRange(LogPredictions(chunk, cancellation).exp().data<float>().ToArray().Chunk(_queries.Length * _task.Vocabulary));
        }
        return [.. predictions];
    }

    public void Save(string path) => _run.Save(path);

    public void Resume(string path) => _run.Resume(path);

    public void Dispose()
    {
        _run.Dispose();
        _weights.Dispose();
    }

    /// <summary>[prompt, query, value]; the values of a position are tokens of their own.</summary>
    private Tensor LogPredictions(int[][] prompts, CancellationToken cancellation)
    {
        int length = _task.Length, vocabulary = _task.Vocabulary;
        var tokens = new TokenBatch([.. prompts.Select(values => values.Select((value, at) => (at % length * vocabulary) + value).ToArray())]);
        var plan = new ForwardPlan().Within(new LightCone(0, _config.Context, _queries)).Capture(Site.Logits);
        using var result = DecoderPass.Run(_config, _weights, tokens, plan, cancellation);
        var logits = result[Site.Logits].reshape(prompts.Length, _task.Sequences, length - 1, length, vocabulary); // [prompt, sequence, query, pos, value]
        return cat([.. Enumerable.Range(0, length - 1).Select(query => logits.select(2, query).select(2, query + 1).unsqueeze(2))], 2)
            .log_softmax(-1).reshape(prompts.Length, _queries.Length, vocabulary);
    }
}
