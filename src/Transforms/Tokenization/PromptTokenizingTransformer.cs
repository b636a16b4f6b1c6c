using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetIcl.Models.Tokenizers;
using MlNetIcl.Transforms.Batching;
using MlNetIcl.Transforms.Rows;
using MlNetIcl.Transforms.Tokenization;

[assembly: LoadableClass(typeof(PromptTokenizingTransformer), null, typeof(SignatureLoadModel), "Prompt tokenizer", PromptTokenizingTransformer.LoaderSignature)]

namespace MlNetIcl.Transforms.Tokenization;

/// <summary>Splits prompts into tokens of a language model. Made by <c>TokenizePrompt</c>; saved with the whole tokenizer.</summary>
public sealed class PromptTokenizingTransformer : BatchTransformer
{
    internal const string LoaderSignature = "IclTokenizePrompt";
    private const string TokenizerFile = "Tokenizer.json";
    private static readonly VersionInfo CurrentVersion = VersionOf(typeof(PromptTokenizingTransformer), "ICLTOKEN", LoaderSignature);

    private readonly PromptTokenizingSettings _settings;
    private readonly DataViewSchema.DetachedColumn[] _outputs;

    internal PromptTokenizingTransformer(IHostEnvironment environment, PromptTokenizingSettings settings, JsonTokenizer tokenizer)
        : base(environment, nameof(PromptTokenizingTransformer))
    {
        settings.Validate();
        (_settings, Tokenizer) = (settings, tokenizer);
        List<DataViewSchema.DetachedColumn> outputs =
        [
            new(settings.OutputColumnName, new VectorDataViewType(new KeyDataViewType(typeof(uint), tokenizer.VocabularySize)),
                ColumnAnnotations.OfKeys(Enumerable.Range(0, tokenizer.VocabularySize).Select(id => tokenizer.TokenString(id) ?? ""))),
        ];
        // [token, start and end]
        if (settings.OffsetsColumnName is { } offsets) outputs.Add(new(offsets, new VectorDataViewType(NumberDataViewType.Int32, 0, 2)));
        if (settings.ReasonColumnName is { } reason) outputs.Add(new(reason, TextDataViewType.Instance));
        _outputs = [.. outputs];
    }

    /// <summary>The tokenizer.</summary>
    public JsonTokenizer Tokenizer { get; }

    internal override BatchLimits Limits => BatchLimits.SingleRow;

    private protected override IReadOnlyList<InputColumn> Inputs => [InputColumn.Text(_settings.InputColumnName)];

    private protected override IReadOnlyList<DataViewSchema.DetachedColumn> Outputs => _outputs;

    private protected override VersionInfo Version => CurrentVersion;

    internal static PromptTokenizingTransformer Create(IHostEnvironment environment, ModelLoadContext context)
    {
        context.CheckAtModel(CurrentVersion);
        var settings = context.ReadSettings<PromptTokenizingSettings>();
        byte[] json = context.ReadFile(TokenizerFile);
        return new PromptTokenizingTransformer(environment, settings, JsonTokenizer.Parse(json, TokenizerFile));
    }

    private protected override void Save(ModelSaveContext context)
    {
        context.WriteJson(_settings);
        context.WriteFile(TokenizerFile, Tokenizer.Source.Span);
    }

    private protected override RowBatch CreateRowBatch(DataViewRow source, bool[] activeOutputs, BatchLimits limits) => new Prompt(this, source);

    /// <summary>One prompt at a time: there is nothing to gain from several.</summary>
    private sealed class Prompt(PromptTokenizingTransformer stage, DataViewRow source) : RowBatch(BatchLimits.SingleRow)
    {
        private readonly ValueGetter<ReadOnlyMemory<char>> _get = source.GetGetter<ReadOnlyMemory<char>>(source.Schema[stage._settings.InputColumnName]);
        private ReadOnlyMemory<char> _text;
        private long _position;
        private TokenizedText? _tokens;

        public override Delegate CreateGetter(int output, Func<int> slot)
        {
            string name = stage._outputs[output].Name;
            return name == stage._settings.OutputColumnName ? (ValueGetter<VBuffer<uint>>)((ref value) => GetKeys(slot(), ref value))
                : name == stage._settings.OffsetsColumnName ? (ValueGetter<VBuffer<int>>)((ref value) => GetOffsets(slot(), ref value))
                : (ValueGetter<ReadOnlyMemory<char>>)((ref value) => GetReason(slot(), ref value));
        }

        protected override void Read(int slot, long position)
        {
            _get(ref _text);
            _position = position;
        }

        protected override int TokensOf(int slot) => 1;

        protected override void Compute(int first, int count) => _tokens = stage.Tokenizer.Tokenize(_text.ToString(), stage._settings.AddSpecialTokens);

        private void GetKeys(int slot, ref VBuffer<uint> value)
        {
            var ids = Tokens(slot).Ids;
            var editor = VBufferEditor.Create(ref value, ids.Count);
            for (int i = 0; i < ids.Count; i++) editor.Values[i] = (uint)ids[i] + 1; // keys count from 1, 0 is missing
            value = editor.Commit();
        }

        private void GetOffsets(int slot, ref VBuffer<int> value)
        {
            var offsets = Tokens(slot).Offsets;
            var editor = VBufferEditor.Create(ref value, 2 * offsets.Count);
            for (int i = 0; i < offsets.Count; i++) (editor.Values[2 * i], editor.Values[2 * i + 1]) = offsets[i];
            value = editor.Commit();
        }

        private void GetReason(int slot, ref ReadOnlyMemory<char> value)
        {
            Require(slot);
            value = (_tokens!.Ids.Count > 0 ? "" : NoTokens).AsMemory();
        }

        private const string NoTokens = "The prompt has no tokens.";

        private TokenizedText Tokens(int slot)
        {
            Require(slot);
            if (_tokens!.Ids.Count == 0 && stage._settings.OnError == RowErrorHandling.Throw)
                throw InvalidRow.Error(_position, stage._settings.InputColumnName, NoTokens);
            return _tokens;
        }
    }
}

internal sealed record PromptTokenizingSettings : StageSettings
{
    public bool AddSpecialTokens { get; init; } = true;

    public string? OffsetsColumnName { get; init; }

    public override void Validate()
    {
        base.Validate();
        if (OffsetsColumnName is not { } offsets) return;
        ArgumentException.ThrowIfNullOrEmpty(offsets, nameof(OffsetsColumnName));
        if (offsets == OutputColumnName || offsets == ReasonColumnName)
            throw new ArgumentException($"The offsets column '{offsets}' needs a name of its own.", nameof(OffsetsColumnName));
    }
}
