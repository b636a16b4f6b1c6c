using System.Text;
using System.Text.Json;
using MlNetIcl.Models.Tokenizers;

namespace MlNetIcl.Models.HuggingFace;

/// <summary>The chat template of a model folder: a file of its own, or a string in <c>tokenizer_config.json</c>; of several named ones the default.</summary>
internal static class ChatTemplate
{
    /// <exception cref="ModelFormatException">The configuration is malformed.</exception>
    public static string? Read(string folder)
    {
        string file = Path.Combine(folder, "chat_template.jinja"), config = Path.Combine(folder, "tokenizer_config.json");
        if (File.Exists(file)) return Encoding.UTF8.GetString(BoundedFile.Read(file));
        if (!File.Exists(config)) return null;
        try
        {
            using var document = JsonDocument.Parse(BoundedFile.Read(config));
            var root = new JsonStep(document.RootElement, config, "settings");
            if (root.Find("chat_template") is not { ValueKind: JsonValueKind.Array }) return root.StringOrNull("chat_template");
            return root.Objects("chat_template").FirstOrDefault(named => named.String("name") == "default")?.String("template");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new ModelFormatException($"{config} is not valid JSON: {e.Message}", e);
        }
    }
}
