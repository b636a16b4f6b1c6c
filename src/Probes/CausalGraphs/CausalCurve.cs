using System.Text.Json;
using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>The measurements of one training, kept beside its state where there is a folder for it.</summary>
internal sealed class CausalCurve
{
    private readonly string? _state, _measured;
    private readonly int[] _steps;
    private readonly List<CausalGraphPoint> _points = [];

    public CausalCurve(CausalGraphOptions options, int run)
    {
        int count = Math.Min(options.Measurements, options.Steps);
        _steps = [.. Enumerable.Range(1, count).Select(i => (int)((long)options.Steps * i / count))];
        if (options.CheckpointFolder is not { } folder) return;
        Directory.CreateDirectory(folder);
        string name = Path.Combine(folder, FormattableString.Invariant($"seed{options.SeedOf(run)}"));
        (_state, _measured) = (name + ".safetensors", name + ".json");
    }

    public IReadOnlyList<CausalGraphPoint> Points => _points;

    public IEnumerable<int> StepsAfter(int done) => _steps.Where(step => step > done);

    /// <summary>Adds a measurement, and saves it and the training's state, in this order: no state is ever ahead of its measurements.</summary>
    public void Add(CausalGraphPoint point, DisentangledTrainer trainer)
    {
        _points.Add(point);
        if (_state is null) return;
        File.WriteAllText(_measured + ".part", SettingsJson.Write(_points));
        File.Move(_measured + ".part", _measured!, overwrite: true);
        trainer.Save(_state);
    }

    /// <summary>Goes back to where the run was saved, if it was.</summary>
    /// <exception cref="ModelFormatException">The folder holds a run of other settings.</exception>
    public void Resume(DisentangledTrainer trainer)
    {
        if (_state is null || !File.Exists(_state)) return;
        trainer.Resume(_state);
        CausalGraphPoint[]? saved;
        try
        {
            saved = SettingsJson.Read<CausalGraphPoint[]>(File.ReadAllText(_measured!));
        }
        catch (Exception error) when (error is JsonException or FileNotFoundException)
        {
            throw new ModelFormatException($"'{_measured}', the measurements of '{_state}', cannot be read: {error.Message} Use another folder.", error);
        }
        _points.AddRange(saved!.Where(p => p.Step <= trainer.StepsDone));
        if (!_points.Select(p => p.Step).SequenceEqual(_steps.Where(step => step <= trainer.StepsDone)))
            throw new ModelFormatException($"'{_measured}' was measured at other steps. Use the settings of that run, or another folder.");
    }
}
