using System.CommandLine;
using MlNetIcl.Cli.Hosting;
using MlNetIcl.Reports.Files;

namespace MlNetIcl.Cli.Input;

/// <summary>Targets of results that the command line names.</summary>
internal static class OutputFile
{
    /// <summary>Stands for standard output.</summary>
    public const string StandardOutput = "-";

    /// <summary>Refuses a target that cannot be written before any work is done.</summary>
    /// <exception cref="InputException">The target is a folder, lies in none that exists, or cannot be written.</exception>
    public static void Check(string? path)
    {
        if (path is null or StandardOutput) return;
        if (path.Length == 0) throw new InputException("The name of an output file is empty.");
        if (Directory.Exists(path)) throw new InputException($"Cannot write '{path}': it is a folder.");
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder && !Directory.Exists(folder))
            throw new InputException($"Cannot write '{path}': the folder '{folder}' does not exist.");
        RequireWritable(path, path);
    }

    /// <summary>The same for options that cannot write to standard output.</summary>
    /// <exception cref="InputException">The message names the target or the option.</exception>
    public static void CheckFile(ParseResult parsed, Option<string?> option)
    {
        Check(parsed.GetValue(option));
        if (parsed.GetValue(option) == StandardOutput) throw new InputException($"{option.Name} needs a file; only --json writes to standard output.");
    }

    /// <summary>Refuses a folder of files to come, which need not exist yet.</summary>
    /// <exception cref="InputException">The folder is a file, or cannot be written to.</exception>
    public static void CheckFolder(ParseResult parsed, Option<string?> option)
    {
        if (parsed.GetValue(option) is not { } path) return;
        if (path.Length == 0) throw new InputException($"{option.Name} needs a folder; its name is empty.");
        string existing = Path.GetFullPath(path);
        while (!Path.Exists(existing) && Path.GetDirectoryName(existing) is { } parent) existing = parent;
        if (File.Exists(existing)) throw new InputException($"Cannot write to '{path}': '{existing}' is a file; expected a folder.");
        RequireWritable(Path.Combine(existing, Path.GetRandomFileName()), path);
    }

    private static void RequireWritable(string file, string named)
    {
        try
        {
            AtomicFile.RequireWritable(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"Cannot write '{named}': {e.Message}", e);
        }
    }
}
