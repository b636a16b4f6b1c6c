using System.Globalization;
using System.Text.RegularExpressions;
using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>Models of one training, each a subfolder or file with its step in the name.</summary>
internal static partial class CheckpointFolder
{
    private static readonly string[] Extensions = [".gguf", ".safetensors", ".onnx"];

    /// <summary>Steps and paths by ascending step. What has no number in its name is no checkpoint.</summary>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="ArgumentException">It holds fewer than two checkpoints, two of one step, or one of a step beyond 2^31 - 1.</exception>
    public static IReadOnlyList<(int Step, string Path)> List(string folder)
    {
        if (!Directory.Exists(folder)) throw new DirectoryNotFoundException($"There is no folder '{folder}'.");
        var found = Directory.GetDirectories(folder).Concat(Directory.GetFiles(folder).Where(f => Extensions.Contains(Path.GetExtension(f), StringComparer.OrdinalIgnoreCase)))
            .Select(path => (Step: StepOf(path), Path: path)).Where(c => c.Step is not null)
            .Select(c => (Step: c.Step!.Value, c.Path)).OrderBy(c => c.Step).ThenBy(c => c.Path, StringComparer.Ordinal).ToArray();
        if (found.Length < 2)
            throw new ArgumentException($"'{folder}' holds {found.Length} {(found.Length == 1 ? "checkpoint" : "checkpoints")}, but emergence needs two or more: subfolders, .gguf, .safetensors or .onnx files with the step in their names, as step-500.", nameof(folder));
        for (int i = 1; i < found.Length; i++)
            if (found[i].Step == found[i - 1].Step)
                throw new ArgumentException($"'{found[i - 1].Path}' and '{found[i].Path}' are both of step {found[i].Step}.", nameof(folder));
        return found;
    }

    /// <summary>Loads a checkpoint: a model archive where it is a .safetensors file.</summary>
    public static LanguageModel Load(string path) =>
        File.Exists(path) && path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase) ? ModelArchive.Load(path) : LanguageModel.Load(path);

    /// <summary>The number after 'step', 'checkpoint', 'ckpt' or 'iter', else the last one in the name; null where there is none.</summary>
    /// <exception cref="ArgumentException">The number is too large.</exception>
    internal static int? StepOf(string path)
    {
        string name = Path.GetFileName(path);
        if (Extensions.Contains(Path.GetExtension(name), StringComparer.OrdinalIgnoreCase)) name = Path.GetFileNameWithoutExtension(name);
        var match = NamedStep().Match(name) is { Success: true } named ? named : LastNumber().Match(name);
        if (!match.Success) return null;
        if (int.TryParse(match.Groups[1].Value, NumberStyles.None, CultureInfo.InvariantCulture, out int step)) return step;
        // Left out in silence, the late end of a training would be missing.
        throw new ArgumentException($"'{path}' has the step {match.Groups[1].Value} in its name; steps go to {int.MaxValue}. Rename it, as by thousands of steps.", nameof(path));
    }

    [GeneratedRegex("(?:step|checkpoint|ckpt|iter)[-_]?([0-9]+)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex NamedStep();

    [GeneratedRegex("([0-9]+)[^0-9]*$", RegexOptions.CultureInvariant)]
    private static partial Regex LastNumber();
}
