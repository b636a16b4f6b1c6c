using System.CommandLine;
using System.Text;
using MlNetIcl.Cli.Hosting;
using MlNetIcl.Reports;
using MlNetIcl.Reports.Files;

namespace MlNetIcl.Cli.Input;

/// <summary>The options that say where an analysis goes, and the one place where it is written: a table unless JSON is asked for.</summary>
internal sealed class ReportTargets
{
    private readonly Option<string?> _json = new("--json") { HelpName = "FILE|-", Description = "Write all numbers as JSON, to standard output for -, and no table." };
    private readonly Option<string?> _html = new("--html") { HelpName = "FILE", Description = "Write a self-contained HTML report." };
    private readonly Option<string?> _markdown = new("--markdown") { HelpName = "FILE", Description = "Write the report as Markdown." };

    public IEnumerable<Option> Options => [_json, _html, _markdown];

    /// <summary>Refuses targets that cannot be written, before any work is done.</summary>
    /// <exception cref="InputException">The message names the target.</exception>
    public void Check(ParseResult parsed)
    {
        OutputFile.Check(parsed.GetValue(_json));
        foreach (var option in new[] { _html, _markdown })
        {
            OutputFile.Check(parsed.GetValue(option));
            if (parsed.GetValue(option) == OutputFile.StandardOutput) throw new InputException($"{option.Name} needs a file; only --json writes to standard output.");
        }
    }

    /// <summary>Writes an analysis to every target that the command line names.</summary>
    /// <param name="host">The host.</param>
    /// <param name="parsed">The command line.</param>
    /// <param name="report">Makes the report, where one is wanted.</param>
    /// <param name="json">Writes ASCII JSON.</param>
    /// <param name="table">Writes the table to the host's output.</param>
    public void Write(CliHost host, ParseResult parsed, Func<Report> report, Action<Stream> json, Action table)
    {
        string? html = parsed.GetValue(_html), markdown = parsed.GetValue(_markdown), file = parsed.GetValue(_json);
        if (html is not null || markdown is not null)
        {
            var signed = report() with { Footer = $"Written by icl {typeof(ReportTargets).Assembly.GetName().Version?.ToString(3)}." };
            if (html is not null) Save(host, html, () => signed.SaveHtml(html, host.Cancellation));
            if (markdown is not null) Save(host, markdown, () => signed.SaveMarkdown(markdown, host.Cancellation));
        }
        if (file is null) table();
        else if (file != OutputFile.StandardOutput) Save(host, file, () => AtomicFile.Write(file, json, host.Cancellation));
        else
        {
            using var buffer = new MemoryStream();
            json(buffer);
            host.Output.Write(Encoding.ASCII.GetString(buffer.GetBuffer().AsSpan(0, (int)buffer.Length)));
        }
    }

    private static void Save(CliHost host, string path, Action save)
    {
        save();
        host.Error.WriteLine($"Wrote {path}.");
    }
}
