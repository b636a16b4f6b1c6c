using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetIcl.Models;
using MlNetIcl.Transforms.Batching;

namespace MlNetIcl.Transforms.Rows;

/// <summary>Rows of token ids that a model computes together.</summary>
internal abstract class TokenRowBatch(DataViewRow source, StageSettings settings, BatchLimits limits, LanguageModel model, IHost host)
    : SequenceRowBatch(source, settings, limits, model.Config.Vocabulary, model.Config.Context, host)
{
    protected LanguageModel Model => model;
}
