using System.Globalization;
using System.Text.Json;
using MlNetIcl.Cli.Input;
using MlNetIcl.Models;
using MlNetIcl.Probes;
using MlNetIcl.Reports;
using static System.FormattableString;

namespace MlNetIcl.Cli.Commands;

/// <summary>What is known of a model.</summary>
internal sealed class ModelDescription
{
    private readonly DecoderConfig _config;

    private ModelDescription(LanguageModel model)
    {
        _config = model.Config;
        Name = model.Name;
        SourcePath = model.SourcePath;
        Parameters = model.ParameterCount;
        TokenizerSize = model.Tokenizer?.VocabularySize;
        HasChatTemplate = model.ChatTemplate is not null;
        Files = model.Files?.Fingerprint ?? [];
        Tensors = model.Tensors;
        Found = model.GraphAttention;
        Abilities = [.. FindAbilities(model)];
    }

    public string Name { get; }

    public string? SourcePath { get; }

    public long Parameters { get; }

    public int? TokenizerSize { get; }

    public bool HasChatTemplate { get; }

    public IReadOnlyList<ModelFile> Files { get; }

    public IReadOnlyList<TensorDescription> Tensors { get; }

    /// <summary>Where a graph has its attention; empty for other models.</summary>
    public IReadOnlyList<ExposedAttention> Found { get; }

    public IReadOnlyList<Ability> Abilities { get; }

    public static ModelDescription Of(string? path)
    {
        using var model = ModelSource.Load(path);
        return new(model);
    }

    /// <summary>The configuration, as names and values for people.</summary>
    public IEnumerable<(string Name, string Value)> Facts
    {
        get
        {
            var c = _config;
            yield return ("Name", Name);
            if (SourcePath is not null) yield return ("Path", SourcePath);
            yield return ("Family", c.Family);
            yield return ("Parameters", $"{Numbers.Count(Parameters)}, {string.Join(", ", Tensors.Select(t => t.Type).Distinct())}");
            yield return ("Layers", Whole(c.Layers));
            yield return ("Heads per layer", c.KeyHeads == c.Heads ? Whole(c.Heads) : Invariant($"{c.Heads}, sharing {c.KeyHeads} key-value heads"));
            yield return ("d_model, d_head, d_mlp", Invariant($"{c.DModel}, {c.DHead}, {(Found.Count > 0 ? "not known" : c.DMlp == 0 ? "no MLP" : Whole(c.DMlp))}"));
            yield return ("Vocabulary, context", Invariant($"{c.Vocabulary}, {c.Context}"));
            foreach (var fact in Found.Count > 0 ? [] : Computation(c)) yield return fact;
            foreach (var layer in Found) yield return (Invariant($"Attention of layer {layer.Layer}"), $"node {layer.Node}");
            yield return ("BOS, EOS", $"{Optional(c.BosTokenId)}, {Optional(c.EosTokenId)}");
            yield return ("Tokenizer", TokenizerSize is { } size ? $"{Numbers.Count(size)} ids" : "none");
            if (HasChatTemplate) yield return ("Chat template", "kept as text, not applied: write chats out as the model expects them");
        }
    }

    /// <summary>What a graph does not tell: how its values are computed.</summary>
    private static IEnumerable<(string Name, string Value)> Computation(DecoderConfig c)
    {
        yield return ("Positions", Positions(c));
        yield return ("Attention", Attention(c));
        yield return ("Normalisation", c.Norm == NormKind.None ? "none" : Invariant($"{Norm(c.Norm)}, epsilon {c.NormEpsilon:0e-0}{(c.EmbeddingNorm ? ", embedding too" : "")}{(c.QueryKeyNorm ? ", queries and keys too" : "")}"));
        if (c.DMlp > 0) yield return ("MLP", $"{Activation(c.Activation)}{(c.GatedMlp ? ", gated" : "")}{(c.ParallelResidual ? ", beside attention" : ", after attention")}");
        yield return ("Unembedding", c.TiedUnembedding ? "tied to the embedding" : "its own");
    }

    public void WriteJson(Utf8JsonWriter json)
    {
        var c = _config;
        json.WriteStartObject();
        json.WriteString("name", Name);
        json.WriteString("path", SourcePath);
        json.WriteString("family", c.Family);
        json.WriteNumber("parameters", Parameters);
        json.WritePropertyName("config");
        JsonSerializer.Serialize(json, c, ConfigOptions);
        json.WriteStartObject("tokenizer");
        json.WriteBoolean("present", TokenizerSize is not null);
        if (TokenizerSize is { } ids) json.WriteNumber("vocabulary", ids);
        json.WriteBoolean("chat_template", HasChatTemplate);
        json.WriteEndObject();
        json.WriteStartArray("files");
        foreach (var file in Files)
        {
            json.WriteStartObject();
            json.WriteString("name", file.Name);
            json.WriteNumber("bytes", file.Length);
            json.WriteString("sha256", file.Sha256);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("attention");
        foreach (var layer in Found)
        {
            json.WriteStartObject();
            json.WriteNumber("layer", layer.Layer);
            json.WriteString("node", layer.Node);
            json.WriteString("output", layer.Output);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("tensors");
        foreach (var tensor in Tensors)
        {
            json.WriteStartObject();
            json.WriteString("name", tensor.Name);
            json.WriteString("type", tensor.Type);
            json.WriteStartArray("shape");
            foreach (long size in tensor.Shape) json.WriteNumberValue(size);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("abilities");
        foreach (var ability in Abilities)
        {
            json.WriteStartObject();
            json.WriteString("what", ability.What);
            json.WriteBoolean("can", ability.Can);
            json.WriteString("why", ability.Why);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static readonly JsonSerializerOptions ConfigOptions = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new System.Text.Json.Serialization.JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    private static IEnumerable<Ability> FindAbilities(LanguageModel model)
    {
        Ability heads;
        try
        {
            var drawn = RepeatedSequences.Generate(model, sequences: 1);
            heads = new("find induction heads on generated sequences", true, Invariant($"period {drawn.Protocol.Period}, {drawn.Protocol.Repeats} times"));
        }
        catch (ArgumentException error)
        {
            heads = new("find induction heads on generated sequences", false, Hosting.Failure.Text(error));
        }
        yield return heads;
        yield return new("score heads on rows of tokens", true, null);
        yield return model.Tokenizer is null
            ? new("work on text", false, $"{model.TokenizerProblem ?? "the model came without a tokenizer."} Rows of token ids work")
            : new("work on text", true, null);
        var missing = Enum.GetValues<SiteKind>()
            .Select(kind => (Kind: kind, Why: SiteRules.WhyMissing(new Site(kind, Site.IsInBlock(kind) ? 0 : -1), model.Config)))
            .Where(m => m.Why is not null).GroupBy(m => m.Why!);
        yield return new("capture sites", true, Invariant($"{SiteRules.All(model.Config).Count()} of them"));
        foreach (var group in missing)
            yield return new($"capture {string.Join(", ", group.Select(m => Pattern(m.Kind)))}", false, group.Key);
    }

    private static string Pattern(SiteKind kind) => Site.IsInBlock(kind) ? new Site(kind, 0).ToString().Replace("blocks.0.", "blocks.*.", StringComparison.Ordinal) : new Site(kind).ToString();

    private static string Positions(DecoderConfig c) => c.Positions switch
    {
        PositionEncoding.Rotary when c.Rotary is { } rotary =>
            Invariant($"rotary, {rotary.Dimensions} of {c.DHead} dimensions, base {rotary.Base}{(rotary.Scaling is { } s ? Invariant($", llama3 scaling by {s.Factor}") : "")}"),
        PositionEncoding.Learned => "learned",
        PositionEncoding.Alibi => "ALiBi",
        PositionEncoding.T5Bias => Invariant($"T5 bias, {c.T5Buckets} buckets"),
        PositionEncoding.Shortformer => "learned, added to queries and keys only (Shortformer)",
        _ => "none",
    };

    private static string Attention(DecoderConfig c)
    {
        string kind = c.Attention == AttentionKind.Softmax ? "softmax" : "linear";
        string scale = c.AttentionScale is { } given ? Invariant($", scaled by {given}") : "";
        var windows = Enumerable.Range(0, c.Layers).Select(c.WindowOf).Distinct().ToArray();
        return windows switch
        {
            [0] => kind + scale,
            [var window] => Invariant($"{kind}{scale}, window of {window} tokens"),
            _ => $"{kind}{scale}, windows by layer {string.Join(", ", Enumerable.Range(0, c.Layers).Select(l => c.WindowOf(l) is var w and > 0 ? Whole(w) : "all"))}",
        };
    }

    private static string Norm(NormKind norm) => norm == NormKind.RmsNorm ? "RMSNorm" : "LayerNorm";

    private static string Activation(ActivationKind activation) => activation switch
    {
        ActivationKind.Gelu => "GELU",
        ActivationKind.GeluTanh => "GELU (tanh)",
        ActivationKind.Relu => "ReLU",
        _ => "SiLU",
    };

    private static string Optional(int? id) => id is { } value ? Whole(value) : "none";

    private static string Whole(int value) => value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Something that can or cannot be done with a model, and why or how.</summary>
internal sealed record Ability(string What, bool Can, string? Why);
