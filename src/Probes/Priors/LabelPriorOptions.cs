namespace MlNetIcl.Probes;

/// <summary>Settings of <see cref="LabelPriors"/>.</summary>
public sealed record LabelPriorOptions
{
    /// <summary>How a text is put before its label; <c>{text}</c> stands for the text. <value>Default <c>Review: {text}\nSentiment:</c>.</value> A space and the label follow.</summary>
    public string Template { get; init; } = "Review: {text}\nSentiment:";

    /// <summary>What stands between demonstrations. <value>Default an empty line.</value></summary>
    public string Separator { get; init; } = "\n\n";

    /// <summary>Words for the labels, in the order of <see cref="LabelledTexts.LabelNames"/>; their first tokens, past what all begin with, must differ. <value>Default (empty): the labels themselves, but negative and positive for 0 and 1.</value></summary>
    public IReadOnlyList<string> Labels { get; init; } = [];

    /// <summary>Demonstrations in a prompt, k, balanced over the labels. Range: at least 2. <value>Default 16</value> (Min et al. 2022).</summary>
    public int Demonstrations { get; init; } = 16;

    /// <summary>Draws of demonstrations; a query's figures are means over them. Range: at least 1. <value>Default 5.</value></summary>
    public int Draws { get; init; } = 5;

    /// <summary>Texts that are labelled, none of them among the demonstrations. Range: at least 2. <value>Default 100,</value> or as many as there are.</summary>
    public int Queries { get; init; } = 100;

    /// <summary>Inputs that say nothing (Zhao et al. 2021). <value>Default <c>N/A</c>, <c>[MASK]</c> and the empty text.</value></summary>
    public IReadOnlyList<string> ContentFree { get; init; } = ["N/A", "[MASK]", ""];

    /// <summary>Seed of draws and intervals. <value>Default 0.</value></summary>
    public int Seed { get; init; }

    /// <summary>Checks every range.</summary>
    /// <exception cref="ArgumentException">A value is outside its range.</exception>
    public void Validate()
    {
        if (Demonstrations < 2) throw new ArgumentOutOfRangeException(nameof(Demonstrations), Demonstrations, "Expected at least 2 demonstrations.");
        if (Draws < 1) throw new ArgumentOutOfRangeException(nameof(Draws), Draws, "Expected at least 1 draw.");
        if (Queries < 2) throw new ArgumentOutOfRangeException(nameof(Queries), Queries, "Expected at least 2 queries.");
        if (ContentFree.Count == 0) throw new ArgumentException("Expected at least one content-free input.", nameof(ContentFree));
    }

    internal IReadOnlyList<string> WordsFor(LabelledTexts texts)
    {
        var words = Labels.Count > 0 ? Labels : texts.LabelNames is ["0", "1"] ? ["negative", "positive"] : texts.LabelNames;
        return words.Count == texts.LabelNames.Count ? words : throw new ArgumentException($"Expected a word for each of {texts.LabelNames.Count} labels ({string.Join(", ", texts.LabelNames)}), got {words.Count}.", nameof(texts));
    }
}
