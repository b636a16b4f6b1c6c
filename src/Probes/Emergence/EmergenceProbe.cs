using MlNetIcl.Models;
using MlNetIcl.Models.Training;

namespace MlNetIcl.Probes;

/// <summary>
/// When induction heads form in training (Olsson et al. 2022, arXiv:2209.11895): small decoders are trained on random tokens that repeat, and
/// induction, previous-token and copying scores, losses by position and the in-context-learning score are measured at checkpoints; or the
/// checkpoints of any training are. While it runs torch uses one thread in the whole process, so that results don't depend on the number of
/// cores; one run at a time.
/// </summary>
public static class EmergenceProbe
{
    private const int Vocabulary = 64, Length = 64, Bos = 0;

    /// <summary>Trains <see cref="EmergenceOptions.Seeds"/> models of each shape.</summary>
    /// <param name="options">Settings; null for the defaults, which take a minute or two.</param>
    /// <param name="progress">Told the share done, in [0, 1].</param>
    /// <param name="cancellationToken">Checked before every block of every step; what was saved at a checkpoint stays.</param>
    /// <exception cref="ArgumentOutOfRangeException">A setting is out of its range.</exception>
    /// <exception cref="IOException">A checkpoint cannot be written.</exception>
    /// <exception cref="ModelFormatException">A saved run is of other settings or damaged.</exception>
    public static EmergenceResult Train(EmergenceOptions? options = null, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        options ??= new();
        options.Validate();
        return TorchThreads.One(() =>
        {
            SequenceProtocol? protocol = null;
            int done = 0, runs = options.Sizes.Count * options.Seeds;
            EmergenceGroup[] groups = [.. options.Sizes.Select(size => Group(size, [.. Enumerable.Range(1, options.Seeds).Select(seed =>
            {
                var (run, drawn) = TrainOne(size, seed, options, progress.Part((double)done / runs, (done + 1.0) / runs), cancellationToken);
                done++;
                protocol = drawn;
                return run;
            })], options))];
            return new EmergenceResult { Groups = groups, Options = options, TokensPerStep = new TrainingOptions().BatchTokens, Protocol = protocol! };
        });
    }

    /// <summary>Measures the checkpoints of one training.</summary>
    /// <param name="folder">Holds folders or files that <see cref="LanguageModel.Load"/> or <see cref="ModelArchive"/> takes, with the step in their names.</param>
    /// <param name="options">Settings of the measurement; those of the training are not read. Null for the defaults.</param>
    /// <param name="progress">Told the share done, in [0, 1].</param>
    /// <param name="cancellationToken">Checked before every block of every pass.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="ArgumentException">A setting is out of range, there are fewer than two checkpoints, or two of one step.</exception>
    /// <exception cref="ModelFormatException">A checkpoint is malformed, of another shape than the first, or its attention or losses are no finite numbers.</exception>
    public static EmergenceResult OfCheckpoints(string folder, EmergenceOptions? options = null, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(folder);
        options ??= new();
        options.Validate();
        var checkpoints = CheckpointFolder.List(folder);
        return TorchThreads.One(() =>
        {
            EmergenceMeasure? measure = null;
            EmergenceSize? size = null;
            int vocabulary = 0;
            for (int i = 0; i < checkpoints.Count; i++)
            {
                var (step, path) = checkpoints[i];
                using var model = CheckpointFolder.Load(path);
                var own = new EmergenceSize(model.Config.Layers, model.Config.DModel, model.Config.Heads);
                if (size is null) (size, vocabulary) = (own, model.Config.Vocabulary);
                if (model.Config.Vocabulary != vocabulary) throw new ModelFormatException($"'{path}' has a vocabulary of {model.Config.Vocabulary}, but the first checkpoint one of {vocabulary}: not of one training.");
                if (own != size) throw new ModelFormatException($"'{path}' has {own.Layers} layers of width {own.Width} with {own.Heads} heads, but the first checkpoint {size.Layers} of width {size.Width} with {size.Heads}: not of one training.");
                measure ??= new(model, options);
                try
                {
                    measure.Add(step, model, cancellationToken);
                }
                catch (ModelFormatException e) when (!e.Message.Contains(path, StringComparison.Ordinal))
                {
                    throw new ModelFormatException($"'{path}': {e.Message}", e); // of weights that are no numbers, the model's own name says little
                }
                progress?.Report((i + 1.0) / checkpoints.Count);
                if (i < checkpoints.Count - 1) continue;
                var run = measure.Finish(Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))), model, cancellationToken);
                return new EmergenceResult { Groups = [Group(size, [run], options)], Options = options, Protocol = measure.Protocol };
            }
            throw new InvalidOperationException("There is no checkpoint.");
        });
    }

    private static (EmergenceRun Run, SequenceProtocol Protocol) TrainOne(EmergenceSize size, int number, EmergenceOptions options, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        int seed = unchecked((options.Seed * 1000) + number);
        using var trainer = Trainer(size, seed);
        string? folder = options.CheckpointFolder is { } parent
            ? Path.Combine(parent, FormattableString.Invariant($"L{size.Layers}-d{size.Width}-h{size.Heads}-seed{seed}")) : null;
        string? state = folder is null ? null : Path.Combine(folder, "trainer.safetensors");
        if (folder is not null) Directory.CreateDirectory(folder);
        if (File.Exists(state)) trainer.Resume(state);
        int saved = trainer.StepsDone;

        EmergenceMeasure? measure = null;
        for (int step = 0; ; step = Math.Min(step + options.Every, options.Steps))
        {
            cancellationToken.ThrowIfCancellationRequested();
            string? archive = folder is null ? null : Path.Combine(folder, FormattableString.Invariant($"step-{step:000000}.safetensors"));
            using var model = Checkpoint(step, archive);
            measure ??= new(model, options);
            measure.Add(step, model, cancellationToken);
            progress?.Report((double)step / options.Steps);
            if (step == options.Steps) return (measure.Finish(FormattableString.Invariant($"seed {seed}"), model, cancellationToken), measure.Protocol);
        }

        // The model at a step, from the saved run as far as that goes, then by training on. Files of the run come before its state, so
        // that whatever is interrupted, the state never claims a checkpoint that was not written.
        LanguageModel Checkpoint(int step, string? archive)
        {
            if (step < saved)
            {
                if (File.Exists(archive)) return ModelArchive.Load(archive);
                throw new ModelFormatException($"'{folder}' holds a run of {saved} steps, but no '{Path.GetFileName(archive)}': it was measured at other steps. Use the settings of that run, or another folder.");
            }
            trainer.Train(step, observe: null, cancellationToken);
            var model = trainer.ToModel();
            if (archive is null) return model;
            ModelArchive.Save(model, archive);
            trainer.Save(state!);
            return model;
        }
    }

    /// <summary>The trainer of a run: random tokens, drawn with replacement, in periods of 8 to 31 that repeat in rows of 64.</summary>
    internal static DecoderTrainer Trainer(EmergenceSize size, int seed)
    {
        var config = new DecoderConfig { Layers = size.Layers, DModel = size.Width, Heads = size.Heads, Vocabulary = Vocabulary, Context = Length, Positions = PositionEncoding.Shortformer, BosTokenId = Bos };
        var rows = new RepeatedSequenceOptions { Tokens = [.. Enumerable.Range(1, Vocabulary - 1)], BosTokenId = Bos, Lengths = [Length] };
        return new DecoderTrainer(config, new RepeatedSequenceData(rows, seed), new TrainingOptions { Seed = seed });
    }

    private static EmergenceGroup Group(EmergenceSize size, IReadOnlyList<EmergenceRun> runs, EmergenceOptions options) =>
        new() { Size = size, Runs = runs, Change = ChangePoints.Mean(runs.Select(r => r.Change), options) };
}
