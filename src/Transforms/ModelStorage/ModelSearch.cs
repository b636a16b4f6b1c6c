using System.Text;
using Microsoft.ML.Runtime;
using MlNetIcl.Models;

namespace MlNetIcl.Transforms.ModelStorage;

/// <summary>Finds the model of a saved stage, wherever its files are now: a place counts if they have the lengths and hashes that were saved.</summary>
internal static class ModelSearch
{
    /// <summary>The option of the context that holds places to look in first.</summary>
    public const string PathsOption = "MlNetIcl.ModelPaths";

    /// <summary>The environment variable that holds more of them, separated as in PATH.</summary>
    public const string PathsVariable = "MLNETICL_MODEL_PATHS";

    public static IReadOnlyList<string> PathsOf(IHostEnvironment environment) =>
        environment is IHostEnvironmentInternal settings && settings.TryGetOption(PathsOption, out string[] paths) ? paths : [];

    /// <exception cref="FileNotFoundException">The model is nowhere; the message says what was expected, where it was looked for and what to do.</exception>
    public static string Find(IHostEnvironment environment, ModelReference reference)
    {
        List<string> tried = [];
        foreach (string place in Places(environment, reference))
        {
            if (Difference(place, reference.Files) is not { } difference) return FileIn(place, reference);
            tried.Add($"'{place}': {difference}");
        }
        string problem = Explain(reference, tried);
        using var channel = environment.Start("Find model");
        channel.Error(problem); // ML.NET hides what loaders throw in exceptions of its own
        throw new FileNotFoundException(problem, reference.Path);
    }

    /// <summary>A model that is one file, beside others perhaps, is loaded by that file's name.</summary>
    private static string FileIn(string place, ModelReference reference)
    {
        string name = Path.GetFileName(reference.Path!.Replace('\\', '/'));
        return Directory.Exists(place) && reference.Files.Any(file => file.Name == name) ? Path.Combine(place, name) : place;
    }

    /// <summary>Says how a place differs from the files that were saved; null where it holds just them.</summary>
    public static string? Difference(string place, IReadOnlyList<ModelFile> expected)
    {
        if (!Path.Exists(place)) return "does not exist";
        string folder = File.Exists(place) ? Path.GetDirectoryName(Path.GetFullPath(place))! : place;
        // Lengths first: gigabytes need not be read to learn that they are others.
        foreach (var file in expected)
        {
            var found = new FileInfo(Path.Combine(folder, file.Name));
            if (!found.Exists) return $"has no '{file.Name}'";
            if (found.Length != file.Length) return $"'{file.Name}' has {found.Length} bytes, expected {file.Length}";
        }
        try
        {
            new ModelFiles(folder, expected.Select(file => file.Name)).Verify(expected);
            return null;
        }
        catch (ModelFormatException e)
        {
            return e.Message;
        }
    }

    /// <summary>Places that were named may be the model's own or the folder that it lies in.</summary>
    private static IEnumerable<string> Places(IHostEnvironment environment, ModelReference reference)
    {
        string saved = reference.Path!;
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(saved.Replace('\\', '/')));
        string[] more = Environment.GetEnvironmentVariable(PathsVariable)?.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries) ?? [];
        return PathsOf(environment).Concat(more).SelectMany(path => new[] { path, Path.Combine(path, name) })
            .Where(place => !IsOneFile(reference, name) || !Directory.Exists(place)).Append(saved).Distinct();
    }

    /// <summary>Whether the model is the file itself, not a folder: the folder that it lies in is no model then.</summary>
    private static bool IsOneFile(ModelReference reference, string name) => reference.Files is [var only] && only.Name == name;

    private static string Explain(ModelReference reference, List<string> tried)
    {
        var text = new StringBuilder($"The model '{reference.Name}' of this pipeline was not found. It was saved from '{reference.Path}' with the files\n");
        foreach (var file in reference.Files) text.Append($"  {file.Name}: {file.Length} bytes, SHA-256 {file.Sha256}\n");
        text.Append("Looked in\n");
        foreach (string place in tried) text.Append($"  {place}\n");
        return text.Append($"Put the model back, or name its new place in mlContext.Icl().ModelPaths or in the environment variable {PathsVariable} before loading the pipeline.").ToString();
    }
}
