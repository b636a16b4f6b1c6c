namespace MlNetIcl.Reports.Interventions;

/// <summary>A token, and how people know it.</summary>
/// <param name="Id">The id.</param>
/// <param name="Text">Its text or spelling; the id where there is no tokenizer.</param>
public readonly record struct TokenLabel(int Id, string Text)
{
    /// <summary>The text with what cannot be seen made visible.</summary>
    internal string Visible => VisibleText.Of(Text);

    /// <summary>Shortened, for a table of few columns.</summary>
    internal string Short => VisibleText.Shorten(Visible, 16);
}
