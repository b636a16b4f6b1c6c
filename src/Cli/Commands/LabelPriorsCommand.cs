using System.CommandLine;
using MlNetIcl.Cli.Hosting;
using MlNetIcl.Cli.Input;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Priors;

namespace MlNetIcl.Cli.Commands;

/// <summary><c>icl label-priors</c>: what a language model brings to a labelling task before and beside its demonstrations.</summary>
internal static class LabelPriorsCommand
{
    public static Command Create(CliHost host)
    {
        var defaults = new LabelPriorOptions();
        var model = new ModelSource();
        var data = new Option<string>("--data") { HelpName = "FILE", Required = true, Description = "Texts and labels: TSV or CSV with a header." };
        var textColumn = new Option<string?>("--text-column") { HelpName = "NAME", Description = "Column of texts. Default: the first." };
        var labelColumn = new Option<string?>("--label-column") { HelpName = "NAME", Description = "Column of labels. Default: the last." };
        var labels = new Option<string?>("--labels") { HelpName = "W,W", Description = "Words for the labels, in the labels' ordinal order. Default: the labels themselves; negative,positive for 0 and 1." };
        var template = new Option<string>("--template") { HelpName = "TEXT", DefaultValueFactory = _ => "Review: {text}\\nSentiment:", Description = "How a text stands before its label, with {text}; \\n is a line break." };
        var demonstrations = WholeNumber.Option("--demonstrations", "K", 2, defaults.Demonstrations, "Demonstrations in a prompt.");
        var draws = WholeNumber.Option("--draws", "N", 1, defaults.Draws, "Draws of demonstrations.");
        var queries = WholeNumber.Option("--queries", "N", 2, defaults.Queries, "Texts that are labelled.");
        var seed = WholeNumber.Option("--seed", "N", int.MinValue, defaults.Seed, "Seed of draws and intervals.");
        var targets = new ReportTargets();

        var command = new ExplainedCommand("label-priors",
            "What a language model brings to a labelling task before and beside its demonstrations.",
            "Three priors, each as a difference with its interval. Format: probability of the labels with demonstrations minus without. Semantic: what it says of the labels before any demonstration. "
                + "Structure: accuracy with true pairs minus with shuffled pairs, with texts of random words, and with words that are no labels.",
            ("icl label-priors --model smollm2.gguf --data reviews.tsv", "The three priors on a table whose first column is the text and whose last is the label."))
        { data, textColumn, labelColumn, labels, template, demonstrations, draws, queries, seed };
        foreach (var option in targets.Options.Concat(model.Options)) command.Add(option);
        command.SetAction(parsed =>
        {
            targets.Check(parsed);
            var options = defaults with
            {
                Template = parsed.GetValue(template)!.Replace("\\n", "\n", StringComparison.Ordinal),
                Labels = parsed.GetValue(labels) is { } words ? [.. words.Split(',').Select(w => w.Trim())] : [],
                Demonstrations = parsed.GetValue(demonstrations) ?? defaults.Demonstrations,
                Draws = parsed.GetValue(draws) ?? defaults.Draws,
                Queries = parsed.GetValue(queries) ?? defaults.Queries,
                Seed = parsed.GetValue(seed) ?? defaults.Seed,
            };
            options.Validate();
            var texts = LabelledTexts.Read(parsed.GetValue(data)!, parsed.GetValue(textColumn), parsed.GetValue(labelColumn));
            using var loaded = model.Load(parsed);
            var result = ProgressDisplay.Run(host, "Labelling", progress => LabelPriors.Measure(loaded, texts, options, progress, host.Cancellation));
            targets.Write(host, parsed, () => LabelPriorReport.Of(result), stream => LabelPriorJson.Write(result, stream), () =>
            {
                Terminal.WriteFacts(host, LabelPriorWords.Facts(result));
                host.Output.WriteLine();
                Terminal.WriteTable(host, [("prior", false), ("value", true), ("difference, 95 %", true)],
                    LabelPriorWords.Rows(result).Select(r => ((IReadOnlyList<string>)[r.Name, r.Value, r.Difference], r.Difference.Length > 0)));
                host.Output.WriteLine();
                Terminal.WriteText(host.Output, host.Width, LabelPriorWords.Summary(result));
            });
            return ExitCode.Done;
        });
        return command;
    }
}
