using System.Globalization;
using MlNetIcl.Models.Tokenizers;
using static TorchSharp.torch;

namespace MlNetIcl.Models.Training;

/// <summary>Where a training run stands after a step.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Loss">Mean next-token loss of the step's batch before the update, in nats.</param>
/// <param name="Copying">How well held-out rows are copied after the update; null between measurements.</param>
/// <param name="Model">The model as it is now, for scores of the observer's own. Only borrowed: it changes with the next step.</param>
public sealed record TrainingProgress(int Step, double Loss, CopyScore? Copying, LanguageModel Model);

/// <summary>
/// Trains a decoder on repeated sequences. Deterministic on one machine with one number of torch threads: the weights depend on
/// configuration, data, options and steps alone, not on pauses or on saving and resuming between. Owns its weights; not thread-safe.
/// </summary>
public sealed class DecoderTrainer : IDisposable
{
    private const int HeldOut = -1; // training batches are counted from 0

    private readonly RepeatedSequenceData _data;
    private readonly TrainingOptions _options;
    private readonly LanguageModel _model;
    private readonly TrainingRun _run;
    private readonly RepeatedBatch _heldOut;

    /// <summary>Starts a run from random weights.</summary>
    /// <param name="config">The decoder's shape.</param>
    /// <param name="data">What it is trained on.</param>
    /// <param name="options">Settings. Default: a new <see cref="TrainingOptions"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is outside its range.</exception>
    /// <exception cref="InvalidTokensException">The data has ids or lengths that the decoder does not take.</exception>
    public DecoderTrainer(DecoderConfig config, RepeatedSequenceData data, TrainingOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(data);
        _options = options ?? new TrainingOptions();
        _options.Validate();
        _data = data;
        int longest = data.Options.Lengths.Max();
        new TokenBatch([[.. data.Options.Tokens.Append(data.Options.BosTokenId ?? 0).Take(config.Context)], new int[longest]]).Validate(config);
        _heldOut = HeldOutRows(data);
        _model = new LanguageModel(config, DecoderInitializer.Normal(config, _options.Seed, _options.InitialStd), name: "trained");
        if (_options.SinusoidalPositions) FillWithSinusoids(_model.Weights.Positions
            ?? throw new ArgumentException($"{nameof(TrainingOptions.SinusoidalPositions)} needs a decoder with a table of positions, got {config.Positions}.", nameof(options)));
        NamedParameter[] parameters = [.. _model.Weights.Named().Select(w => new NamedParameter(w.Name, w.Value))];
        _run = new TrainingRun(parameters, new AdamW(parameters, _options.ToAdamW()), Settings());
    }

    /// <summary>Steps done.</summary>
    public int StepsDone => _run.StepsDone;

    /// <summary>Goes on until <paramref name="steps"/> steps are done in all.</summary>
    /// <param name="steps">Steps from the beginning of the run.</param>
    /// <param name="observe">Told of every step. Default: nobody.</param>
    /// <param name="cancellationToken">Checked before every block of every step; what was done before stays done.</param>
    public void Train(int steps, Action<TrainingProgress>? observe = null, CancellationToken cancellationToken = default)
    {
        _run.Train(steps, step => Loss(_data.Batch(step, _options.BatchTokens).Tokens, cancellationToken), observe is null ? null : Report, cancellationToken);

        void Report(int done, double loss)
        {
            CopyScore? copying = done % _options.EvaluateEvery == 0 || done == steps ? CopyTask.Measure(_model, _heldOut, null, cancellationToken) : null;
            observe(new TrainingProgress(done, loss, copying, _model));
        }
    }

    /// <summary>A copy of the model as it is now, which the caller owns.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="tokenizer">Its tokenizer. Default: none.</param>
    public LanguageModel ToModel(string name = "trained", JsonTokenizer? tokenizer = null) => new(_model.Config, Copy(_model.Config, _model.Weights), tokenizer, name);

    /// <summary>Saves weights, the optimizer's state and the step as safetensors; the file appears when it is complete.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Save(string path) => _run.Save(path);

    /// <summary>Goes back to where <see cref="Save"/> was called. What follows equals what an uninterrupted run does, bit for bit.</summary>
    /// <param name="path">A file that a trainer of the same configuration, data and options has saved.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="ModelFormatException">The file is malformed, or was saved by a trainer of other settings. The trainer is unchanged then.</exception>
    public void Resume(string path) => _run.Resume(path);

    /// <inheritdoc/>
    public void Dispose()
    {
        _run.Dispose();
        _model.Dispose();
    }

    private IReadOnlyList<(string Name, string Value)> Settings() =>
    [
        ("config", SettingsJson.Write(_model.Config)),
        ("data", SettingsJson.Write(_data.Options)),
        ("data_seed", _data.Seed.ToString(CultureInfo.InvariantCulture)),
        ("options", SettingsJson.Write(_options)),
    ];

    private Tensor Loss(TokenBatch tokens, CancellationToken cancellation)
    {
        using var result = DecoderPass.Run(_model.Config, _model.Weights, tokens, new ForwardPlan().TokenLosses(), cancellation);
        return result.TokenLosses!.mean(); // rows of a batch have one length, so nothing is padded
    }

    /// <summary>Different tokens in a period, as detection draws them, so that a copier can be right every time.</summary>
    private static RepeatedBatch HeldOutRows(RepeatedSequenceData data)
    {
        int start = data.Options.BosTokenId is null ? 0 : 1;
        int longest = Math.Min((data.Options.Lengths.Max() - start) / 2, data.Options.Tokens.Count);
        int period = Math.Min(longest, data.Options.MaxPeriod ?? longest);
        var options = data.Options with { WithReplacement = false, Lengths = [start + (2 * period)], MinPeriod = period, MaxPeriod = period };
        return new RepeatedSequenceData(options, data.Seed).Batch(HeldOut, 16 * options.Lengths[0]);
    }

    /// <summary>sin(pos / 10000^(2i/d)) in dimension 2i, cos in 2i + 1 (Vaswani et al. 2017, section 3.5), into [pos, d_model].</summary>
    private static void FillWithSinusoids(Tensor table)
    {
        int length = (int)table.shape[0], width = (int)table.shape[1];
        float[] values = new float[length * width];
        for (int pos = 0; pos < length; pos++)
            for (int i = 0; i < width; i++)
            {
                double angle = pos / Math.Pow(10000, (i & ~1) / (double)width);
                values[(pos * width) + i] = (float)((i & 1) == 0 ? Math.Sin(angle) : Math.Cos(angle));
            }
        using var sinusoids = tensor(values, [length, width]);
        table.copy_(sinusoids);
    }

    private static DecoderWeights Copy(DecoderConfig config, DecoderWeights weights)
    {
        using var noGradients = no_grad();
        var copy = DecoderInitializer.Normal(config, seed: 0, std: 0);
        foreach (var (to, from) in copy.Named().Zip(weights.Named())) to.Value.copy_(from.Value);
        return copy;
    }
}
