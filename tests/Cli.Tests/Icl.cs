using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using MlNetIcl.Cli.Hosting;

namespace MlNetIcl.Cli.Tests;

/// <summary>What a run of the tool left behind.</summary>
internal sealed record IclRun(int Code, string Output, string Error)
{
    public JsonNode Json => JsonNode.Parse(Output)!;

    public string[] Lines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The run refused its input: exit code 2, no results, one line that says why.</summary>
    public IclRun AssertRefused(params string[] words)
    {
        Assert.Equal((ExitCode.WrongInput, ""), (Code, Output));
        string line = Assert.Single(Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("icl: ", line, StringComparison.Ordinal);
        Assert.DoesNotContain(line, char.IsControl);
        Assert.All(words, word => Assert.Contains(word, line, StringComparison.OrdinalIgnoreCase));
        return this;
    }

    public IclRun AssertDone()
    {
        Assert.True(Code == ExitCode.Done, $"Exit code {Code}: {Error}");
        return this;
    }
}

/// <summary>Runs the tool, in this process with captured writers or as a process of its own.</summary>
internal static class Icl
{
    public static IclRun Run(params string[] args) => RunWith([], default, args);

    public static IclRun RunWith(string input, params string[] args) => RunWith(Encoding.UTF8.GetBytes(input), default, args);

    public static IclRun RunWith(byte[] input, CancellationToken cancellation, params string[] args)
    {
        var output = new StringWriter { NewLine = "\n" };
        var error = new StringWriter { NewLine = "\n" };
        using var host = new CliHost { Output = output, Error = error, OpenInput = () => new MemoryStream(input), Cancellation = cancellation };
        return new(IclTool.Run(args, host), output.ToString(), error.ToString());
    }

    public static Process Start(params string[] args) => StartWith([], args);

    /// <summary>Starts the tool with settings of the runtime that hold for a whole process.</summary>
    public static Process StartWith(IEnumerable<(string Name, string Value)> environment, params string[] args)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, StandardOutputEncoding = Encoding.UTF8, StandardErrorEncoding = Encoding.UTF8 };
        foreach (string arg in (string[])[typeof(IclTool).Assembly.Location, .. args]) start.ArgumentList.Add(arg);
        foreach (var (name, value) in environment) start.Environment[name] = value;
        return Process.Start(start)!;
    }

    public static IclRun Execute(string input, params string[] args)
    {
        using var process = Start(args);
        using (var writer = new StreamWriter(process.StandardInput.BaseStream, new UTF8Encoding(false))) writer.Write(input);
        return Finish(process);
    }

    public static IclRun Finish(Process process)
    {
        var error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(2)), "The tool does not end.");
        return new(process.ExitCode, output, error.Result);
    }
}

/// <summary>A folder that goes away with the test.</summary>
internal sealed class Scratch : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("icl-cli-");

    public string Folder => _folder.FullName;

    public IEnumerable<string> Names => _folder.GetFileSystemInfos().Select(f => f.Name);

    public string At(string name) => Path.Combine(Folder, name);

    public string Write(string name, string text)
    {
        File.WriteAllText(At(name), text);
        return At(name);
    }

    /// <summary>A copy of a model folder, to be damaged.</summary>
    public string CopyModel(string source)
    {
        string target = At("model");
        Directory.CreateDirectory(target);
        foreach (string name in new[] { "config.json", "model.safetensors" }) File.Copy(Path.Combine(source, name), Path.Combine(target, name));
        return target;
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
