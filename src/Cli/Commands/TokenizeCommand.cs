using System.CommandLine;
using System.Text.Json;
using MlNetIcl.Cli.Hosting;
using MlNetIcl.Cli.Input;
using MlNetIcl.Models.Tokenizers;
using MlNetIcl.Reports;
using static System.FormattableString;

namespace MlNetIcl.Cli.Commands;

/// <summary><c>icl tokenize</c>: text to tokens, one text as a table or many as JSON lines.</summary>
internal static class TokenizeCommand
{
    public static Command Create(CliHost host)
    {
        var model = new ModelSource().Folder;
        model.Description = "A folder with a tokenizer.json, the file itself, or a GGUF file. Default: the small model that comes with the tool.";
        var text = new Argument<string?>("TEXT") { Description = "The text, if --jsonl is not given. Put -- before a text that starts with a dash.", Arity = ArgumentArity.ZeroOrOne };
        var jsonl = new Option<string?>("--jsonl") { HelpName = "FILE|-", Description = "Reads {\"text\": …} lines, from standard input for -, and writes {\"ids\", \"ids_plain\", \"tokens\", \"offsets\", \"decoded\"} lines." };
        var json = new Option<bool>("--json") { Description = "Writes one JSON line for TEXT and no table." };

        var command = new ExplainedCommand("tokenize",
            "Splits text into tokens: ids, spellings and where they stand.",
            "In JSON, ids are with the special tokens that the tokenizer adds by itself, ids_plain without; tokens, offsets and decoded belong to ids_plain. Offsets are [start, end) in UTF-16 code units of the text.",
            ("icl tokenize --model models/gpt2 \"Hello world\"", "Shows ids, tokens and where they stand."),
            ("icl tokenize --model models/gpt2 --jsonl texts.jsonl > tokens.jsonl", "Tokenizes a line of JSON after the other."))
        { text, model, jsonl, json };
        command.Validators.Add(result =>
        {
            if (result.GetResult(text) is null or { Tokens.Count: 0 } == (result.GetValue(jsonl) is null)) result.AddError("Give either TEXT or --jsonl FILE.");
            if (result.GetValue(jsonl) is not null && result.GetValue(json)) result.AddError("--jsonl always writes JSON; leave --json out.");
        });
        command.SetAction(parsed =>
        {
            var tokenizer = ModelSource.LoadTokenizer(parsed.GetValue(model));
            if (parsed.GetValue(jsonl) is { } file) TokenizeLines(host, tokenizer, file);
            else if (parsed.GetValue(json)) WriteLine(host, tokenizer, parsed.GetValue(text)!);
            else WriteTable(host, tokenizer, parsed.GetValue(text)!);
            return ExitCode.Done;
        });
        return command;
    }

    private static void TokenizeLines(CliHost host, JsonTokenizer tokenizer, string file)
    {
        bool standard = file == OutputFile.StandardOutput;
        string name = standard ? "Standard input" : $"'{file}'";
        if (!standard && !File.Exists(file)) throw new InputException($"There is no file '{file}'.");
        using var input = standard ? host.OpenInput() : File.OpenRead(file);
        foreach (var (number, line) in BoundedLines.Read(input, name))
        {
            host.Cancellation.ThrowIfCancellationRequested();
            if (string.IsNullOrWhiteSpace(line)) continue;
            WriteLine(host, tokenizer, TextOf(line, name, number));
            // Line by line, so that a program at the other end of both pipes gets its answer.
            host.Output.Flush();
        }
    }

    private static string TextOf(string line, string name, int number)
    {
        string Wrong(string what) => Invariant($"{name}, line {number}: {what}. Expected {{\"text\": \"…\"}}.");
        try
        {
            using var json = JsonDocument.Parse(line, new JsonDocumentOptions { MaxDepth = 64 });
            if (json.RootElement.ValueKind != JsonValueKind.Object || !json.RootElement.TryGetProperty("text", out var text))
                throw new InputException(Wrong(json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("messages", out _)
                    ? "the messages of a chat; chat templates are not applied, so write the chat out as the model expects it" : "no object with a property \"text\""));
            if (text.ValueKind != JsonValueKind.String) throw new InputException(Wrong($"\"text\" is a JSON {text.ValueKind.ToString().ToLowerInvariant()}"));
            return text.GetString()!;
        }
        catch (JsonException error)
        {
            throw new InputException(Wrong("no valid JSON"), error);
        }
        catch (InvalidOperationException error)
        {
            // The reader's word for a lone surrogate.
            throw new InputException(Wrong("\"text\" holds half of a surrogate pair, which is no character"), error);
        }
    }

    private static void WriteLine(CliHost host, JsonTokenizer tokenizer, string text)
    {
        var all = tokenizer.Tokenize(text);
        var plain = tokenizer.Tokenize(text, addSpecialTokens: false);
        host.Output.WriteLine(JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.Numbers("ids", all.Ids);
            json.Numbers("ids_plain", plain.Ids);
            json.WriteStartArray("tokens");
            foreach (string token in plain.Tokens) json.WriteStringValue(token);
            json.WriteEndArray();
            json.WriteStartArray("offsets");
            foreach (var (start, end) in plain.Offsets)
            {
                json.WriteStartArray();
                json.WriteNumberValue(start);
                json.WriteNumberValue(end);
                json.WriteEndArray();
            }
            json.WriteEndArray();
            json.WriteString("decoded", tokenizer.Decode(plain.Ids, skipSpecialTokens: false));
            json.WriteEndObject();
        }));
    }

    private static void WriteTable(CliHost host, JsonTokenizer tokenizer, string text)
    {
        var plain = tokenizer.Tokenize(text, addSpecialTokens: false);
        Terminal.WriteTable(host,
            [("id", true), ("token", false), ("start", true), ("end", true), ("text", false)],
            plain.Ids.Select((id, i) => ((IReadOnlyList<string>)
            [
                Invariant($"{id}"), VisibleText.Of(plain.Tokens[i]), Invariant($"{plain.Offsets[i].Start}"), Invariant($"{plain.Offsets[i].End}"),
                VisibleText.Of(text[plain.Offsets[i].Start..plain.Offsets[i].End]),
            ], tokenizer.IsSpecial(id))));
        host.Output.WriteLine();
        host.Output.WriteLine(Invariant($"{plain.Ids.Count} tokens. With special tokens: [{string.Join(", ", tokenizer.Tokenize(text).Ids)}]"));
    }
}
