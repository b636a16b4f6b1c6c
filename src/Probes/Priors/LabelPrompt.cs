using MlNetIcl.Models;
using MlNetIcl.Models.Tokenizers;

namespace MlNetIcl.Probes;

/// <summary>Texts and labels as tokens of one model: <c>before + text + after + label</c>, demonstrations one after the other.</summary>
internal sealed class LabelPrompt
{
    private const string Placeholder = "{text}";

    private readonly JsonTokenizer _tokenizer;
    private readonly string _before, _after, _separator;
    private readonly int[] _lead = []; // what all labels begin with, as the space where it is a token of its own

    /// <exception cref="ArgumentException">The template lacks its placeholder, or two labels begin with the same token.</exception>
    /// <exception cref="UnsupportedModelException">The model has no tokenizer.</exception>
    public LabelPrompt(LanguageModel model, string template, string separator, IReadOnlyList<string> labels)
    {
        _tokenizer = model.Tokenizer ?? throw new UnsupportedModelException($"'{model.Name}' has no tokenizer, which label priors need.");
        int at = template.IndexOf(Placeholder, StringComparison.Ordinal);
        if (at < 0) throw new ArgumentException($"Expected a template with {Placeholder}, got '{template}'.", nameof(template));
        (_before, _after, _separator) = (template[..at], template[(at + Placeholder.Length)..], separator);
        Labels = labels;
        int[][] spelled = [.. labels.Select(Spelled)];
        int shared = Enumerable.Range(0, spelled.Min(s => s.Length) - 1).TakeWhile(i => spelled.All(s => s[i] == spelled[0][i])).Count();
        _lead = spelled[0][..shared];
        LabelTokens = [.. spelled.Select(s => s[shared])];
        for (int i = 0; i < labels.Count; i++)
            if (Array.IndexOf(LabelTokens, LabelTokens[i]) is var first && first < i)
                throw new ArgumentException($"The labels '{labels[first]}' and '{labels[i]}' begin with the same token and others don't, so that they cannot be told apart by it. Name other words for them.", nameof(labels));
    }

    /// <summary>The labels as words.</summary>
    public IReadOnlyList<string> Labels { get; }

    /// <summary>The first token of each label that is not the same for all: the one whose probability is read.</summary>
    public int[] LabelTokens { get; }

    /// <summary>Demonstrations, with the special tokens that the tokenizer adds by itself; empty where it adds none and there are no demonstrations.</summary>
    public int[] Demonstrations(IEnumerable<(string Text, string Label)> shots) =>
        [.. _tokenizer.Tokenize(string.Concat(shots.Select(s => $"{_before}{s.Text}{_after} {s.Label}{_separator}"))).Ids];

    /// <summary>What comes after the demonstrations: a text to be labelled. Tokenized by itself, so that demonstrations are the same before every text.</summary>
    public int[] Query(string text) => [.. _tokenizer.Tokenize($"{_before}{text}{_after}", addSpecialTokens: false).Ids, .. _lead];

    /// <summary>The tokens that the label adds to the end of a query.</summary>
    private int[] Spelled(string label)
    {
        int[] without = Query("x"), with = [.. _tokenizer.Tokenize($"{_before}x{_after} {label}", addSpecialTokens: false).Ids];
        if (with.Length <= without.Length || !with.AsSpan().StartsWith(without))
            throw new ArgumentException($"Behind the template the label '{label}' is no token of its own. End the template without white space.", nameof(label));
        return with[without.Length..];
    }
}
