namespace MlNetIcl.Models.Gguf.Tokenization;

/// <summary>How texts are cut before bytes are merged.</summary>
/// <param name="Patterns">Cut at the matches of each, one after the other.</param>
/// <param name="IgnoresMerges">Whether a piece that is a token is taken whole.</param>
/// <param name="AddsBos">Whether texts begin with the BOS token where the file does not say it.</param>
internal sealed record PreTokenizer(IReadOnlyList<string> Patterns, bool IgnoresMerges = false, bool AddsBos = false);

/// <summary>
/// The values of <c>tokenizer.ggml.pre</c>. The names are llama.cpp's (src/llama-vocab.cpp); each stands for the pre-tokenizer of the models that it
/// is called after. Where llama.cpp rewrites a model's pattern for its own engine, this has the model's. Left out are those that llama.cpp cuts by
/// code of its own, or that belong to models which are no decoders.
/// </summary>
internal static class PreTokenizers
{
    private const string Contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)", Spaces = @"\s*[\r\n]+|\s+(?!\S)|\s+", Chinese = @"[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+", ChineseOrKana = @"[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+";

    private const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    // DeepSeek V3: marks with the letters after them, letters, marks, white space.
    private const string MarksAndLetters = @"[!""#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|" + Spaces;

    private static readonly PreTokenizer Plain = new([Gpt2]), DigitByDigit = new([@"\p{N}", Gpt2]), ThreeDigits = new([Cl100k(@"\p{N}{1,3}")]), OneDigit = new([Cl100k(@"\p{N}")]),
        Llama3 = ThreeDigits with { IgnoresMerges = true, AddsBos = true },
        DeepSeek3 = new([@"\p{N}{1,3}", ChineseOrKana, MarksAndLetters]),
        Bloom = new([" ?[^(\\s|.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c)]+"]),
        Gpt4o = new([O200k(Contractions + "?", @"\p{N}{1,3}")]);

    private static readonly Dictionary<string, PreTokenizer> All = new(StringComparer.Ordinal)
    {
        ["default"] = new([@"[\p{P}\$\+<=>\^~\|]+", Gpt2, @"\p{N}+", "[0-9][0-9][0-9]"]),
        ["falcon"] = new([@"[\p{P}\$\+<=>\^~\|`]+", Gpt2, "[0-9][0-9][0-9]"]),
        ["gpt-2"] = Plain,
        ["phi-2"] = Plain,
        ["mpt"] = Plain,
        ["olmo"] = Plain,
        ["jais"] = Plain,
        ["gigachat"] = Plain,
        ["a.x-4.0"] = Plain,
        ["mellum"] = Plain,
        ["exaone4"] = Plain,
        ["trillion"] = Plain,
        ["granite-docling"] = Plain,
        ["smollm"] = DigitByDigit,
        ["starcoder"] = DigitByDigit,
        ["refact"] = DigitByDigit,
        ["command-r"] = DigitByDigit,
        ["codeshell"] = DigitByDigit,
        ["exaone"] = DigitByDigit,
        ["minerva-7b"] = DigitByDigit,
        ["mellum2"] = DigitByDigit,
        ["llama-bpe"] = Llama3,
        ["llama-v3"] = Llama3,
        ["llama3"] = Llama3,
        ["falcon3"] = Llama3,
        ["falcon-h1"] = Llama3,
        ["pixtral"] = Llama3,
        ["midm-2.0"] = Llama3,
        ["lfm2"] = Llama3,
        ["dbrx"] = ThreeDigits,
        ["smaug-bpe"] = ThreeDigits,
        ["glm4"] = ThreeDigits,
        ["chatglm-bpe"] = ThreeDigits,
        ["minicpm5"] = new([@"\p{N}{1,3}", Cl100k(@"\p{N}+")], IgnoresMerges: true),
        ["jais-2"] = new([Cl100k(@"\p{N}{1,3}", @"\s*[\r\n]+|\s{512}(?!\S)|\s{256}(?!\S)|\s{128}(?!\S)|\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|\s{1,2}(?!\S)|\s{1}")]),
        ["qwen2"] = OneDigit,
        ["deepseek-r1-qwen"] = OneDigit,
        ["kormo"] = OneDigit,
        ["f2llmv2"] = OneDigit,
        ["megrez"] = OneDigit,
        ["stablelm2"] = OneDigit,
        ["hunyuan"] = OneDigit,
        ["solar-open"] = OneDigit,
        ["grok-2"] = OneDigit,
        ["laguna"] = new([@"[^\n]+|[\n]+", Cl100k(@"\p{N}")]),
        ["qwen35"] = new([Contractions + @"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|" + Spaces]),
        ["seed-coder"] = new([Contractions + @"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|" + Spaces]),
        ["ufakzeka"] = new([@"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + Spaces]),
        ["bailingmoe"] = Bailing(),
        ["bailingmoe2"] = Bailing(),
        ["llada-moe"] = Bailing(),
        ["deepseek-llm"] = new([@"[\r\n]", @"\s?" + DeepSeekLetters.Pattern, @"\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+", @"\s+$", Chinese, @"\p{N}+"]),
        ["deepseek-coder"] = new([@"[\r\n]", @"\s?\p{L}+", @"\s?\p{P}+", Chinese, @"\p{N}"]),
        ["deepseek-v3"] = DeepSeek3,
        ["hunyuan-dense"] = DeepSeek3,
        ["joyai-llm"] = DeepSeek3,
        ["hy_v4"] = DeepSeek3,
        ["tekken"] = new([O200k("", @"\p{N}")], IgnoresMerges: true, AddsBos: true),
        ["gpt-4o"] = Gpt4o,
        ["llama4"] = Gpt4o,
        ["kanana2"] = Gpt4o,
        ["talkie"] = Gpt4o,
        ["minimax-m2"] = Gpt4o,
        ["tiny_aya"] = TinyAya(),
        ["cohere2moe"] = TinyAya(),
        ["bloom"] = Bloom,
        ["gpt3-finnish"] = Bloom,
        ["poro-chat"] = Bloom,
        ["viking"] = Bloom with { Patterns = [.. Bloom.Patterns, @"\p{N}"] },
    };

    /// <summary>The supported names, for messages.</summary>
    public static string Names { get; } = string.Join(", ", All.Keys.Order(StringComparer.Ordinal));

    /// <summary>A pre-tokenizer by its name, or null where it is not supported.</summary>
    public static PreTokenizer? Find(string name) => All.GetValueOrDefault(name);

    /// <summary>The pattern of GPT-4 and those after it, which differ in how many digits go together.</summary>
    private static string Cl100k(string digits, string spaces = Spaces) => $@"{Contractions}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|{digits}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{spaces}";

    /// <summary>The pattern of GPT-4o, which cuts words where their case rises.</summary>
    private static string O200k(string after, string digits)
    {
        const string Upper = @"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", Lower = @"[\p{Ll}\p{Lm}\p{Lo}\p{M}]", Before = @"[^\r\n\p{L}\p{N}]?";
        return $@"{Before}{Upper}*{Lower}+{after}|{Before}{Upper}+{Lower}*{after}|{digits}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{Spaces}";
    }

    private static PreTokenizer TinyAya() => new([@"\d{1,3}(?=(?:\d{3})*\b)", .. Gpt4o.Patterns]);

    private static PreTokenizer Bailing() =>
        new([@"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"]);
}
