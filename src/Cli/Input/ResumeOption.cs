using System.CommandLine;

namespace MlNetIcl.Cli.Input;

/// <summary>The option that names the file from which an interrupted sweep goes on.</summary>
internal static class ResumeOption
{
    public static Option<string?> Create() => new("--resume") { HelpName = "FILE", Description = "Append values to this file as they come, and go on from it after an interruption: the same command line gives the same bytes." };
}
