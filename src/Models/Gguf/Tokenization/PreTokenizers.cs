namespace MlNetIcl.Models.Gguf.Tokenization;

/// <summary>How texts are cut before bytes are merged.</summary>
/// <param name="Patterns">Cut at the matches of each, one after the other.</param>
/// <param name="IgnoresMerges">Whether a piece that is a token is taken whole.</param>
/// <param name="AddsBos">Whether texts begin with the BOS token where the file does not say it.</param>
internal sealed record PreTokenizer(IReadOnlyList<string> Patterns, bool IgnoresMerges = false, bool AddsBos = false);

/// <summary>
/// The values of <c>tokenizer.ggml.pre</c>. The names are llama.cpp's; each stands for the pre-tokenizer of the models that it is called after,
/// whose patterns these are.
/// </summary>
internal static class PreTokenizers
{
    private const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    private static readonly PreTokenizer Plain = new([Gpt2]), DigitByDigit = new([@"\p{N}", Gpt2]), ThreeDigits = new([Cl100k(@"\p{N}{1,3}")]), OneDigit = new([Cl100k(@"\p{N}")]);

    private static readonly Dictionary<string, PreTokenizer> All = new(StringComparer.Ordinal)
    {
        ["default"] = new([@"[\p{P}\$\+<=>\^~\|]+", Gpt2, @"\p{N}+", "[0-9][0-9][0-9]"]),
        ["gpt-2"] = Plain,
        ["phi-2"] = Plain,
        ["mpt"] = Plain,
        ["olmo"] = Plain,
        ["jais"] = Plain,
        ["smollm"] = DigitByDigit,
        ["starcoder"] = DigitByDigit,
        ["refact"] = DigitByDigit,
        ["command-r"] = DigitByDigit,
        ["codeshell"] = DigitByDigit,
        ["exaone"] = DigitByDigit,
        ["minerva-7b"] = DigitByDigit,
        ["llama-bpe"] = ThreeDigits with { IgnoresMerges = true, AddsBos = true },
        ["llama-v3"] = ThreeDigits with { IgnoresMerges = true, AddsBos = true },
        ["llama3"] = ThreeDigits with { IgnoresMerges = true, AddsBos = true },
        ["falcon3"] = ThreeDigits with { IgnoresMerges = true, AddsBos = true },
        ["dbrx"] = ThreeDigits,
        ["smaug-bpe"] = ThreeDigits,
        ["qwen2"] = OneDigit,
        ["deepseek-r1-qwen"] = OneDigit,
        ["megrez"] = OneDigit,
        ["stablelm2"] = OneDigit,
    };

    /// <summary>The supported names, for messages.</summary>
    public static string Names { get; } = string.Join(", ", All.Keys.Order(StringComparer.Ordinal));

    /// <summary>A pre-tokenizer by its name, or null where it is not supported.</summary>
    public static PreTokenizer? Find(string name) => All.GetValueOrDefault(name);

    /// <summary>The pattern of GPT-4 and those after it, which differ in how many digits go together.</summary>
    private static string Cl100k(string digits) =>
        $@"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|{digits}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
}
