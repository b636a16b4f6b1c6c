using System.CommandLine;
using MlNetIcl.Cli.Hosting;

namespace MlNetIcl.Cli.Input;

/// <summary>The option that names the file from which an interrupted sweep goes on.</summary>
internal static class ResumeOption
{
    public static Option<string?> Create() => new("--resume") { HelpName = "FILE", Description = "Append values to this file as they come, and go on from it after an interruption: the same command line gives the same bytes." };

    /// <summary>Refuses a file that cannot be written before any work is done.</summary>
    /// <exception cref="InputException">The message names it.</exception>
    public static void Check(string? path)
    {
        OutputFile.Check(path);
        if (path == OutputFile.StandardOutput) throw new InputException("--resume needs a file.");
    }
}
